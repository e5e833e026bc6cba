//! Fetches the blobs of a plan into a sink, in file order, so that the write front moves forward.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest};
use crate::store::{Contents, Event, Held, Node, Sink, Source, Watch, side_by_side};

use super::BlobContent;

/// Corrupt content is asked for once more before it counts as corrupt at the source.
const MOST_CORRUPT: u32 = 2;

/// What came of fetching.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Blobs that were there already, and whole.
    pub resumed: u64,
    /// Blobs of which something was fetched.
    pub fetched: u64,
    /// What failed, in file order.
    pub failures: Vec<(Digest, Error)>,
}

/// Fetches every blob that the sink does not hold, and goes on to the end whatever fails at a
/// registry. Where the sink itself fails, nothing more is begun.
pub fn fetch(contents: &Contents, source: &dyn Source, sink: &dyn Sink, jobs: usize, watch: &dyn Watch) -> Fetched {
    let (whole, nodes): (Vec<&Node>, Vec<&Node>) =
        contents.blobs().partition(|n| matches!(sink.held(&n.descriptor.digest), Held::Whole));
    let missing = |node: &&Node| match sink.held(&node.descriptor.digest) {
        Held::Start { len, .. } => node.descriptor.size.saturating_sub(len),
        _ => node.descriptor.size,
    };
    let bytes = nodes.iter().map(missing).sum();
    let count = nodes.len() as u64;
    watch.on(Event::Phase { name: "fetching", items: count, bytes });
    let sink_failed = AtomicBool::new(false);
    let failures = side_by_side(nodes, jobs, |node| {
        if sink_failed.load(Ordering::Relaxed) {
            return None;
        }
        let digest = &node.descriptor.digest;
        watch.on(Event::BlobStarted { digest, size: node.descriptor.size });
        let result = fetch_one(node, source, sink, watch);
        watch.on(Event::BlobEnded { digest });
        let error = result.err()?;
        // The first word of a drive that fails is enough.
        let again = error.kind() == Kind::Failed && sink_failed.swap(true, Ordering::Relaxed);
        (!again).then(|| (digest.clone(), error))
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    Fetched { resumed: whole.len() as u64, fetched: count, failures: failures.into_iter().flatten().collect() }
}

fn fetch_one(node: &Node, source: &dyn Source, sink: &dyn Sink, watch: &dyn Watch) -> Result<()> {
    let mut content = BlobContent::new(source, node, watch);
    let mut started = false;
    if let Held::Start { len, bytes } = sink.held(&node.descriptor.digest) {
        content.start_with(len, bytes);
        started = true;
    }
    // Each place that may have it gets its turn.
    let places = node.repositories.len() + node.descriptor.urls.len().min(Descriptor::MOST_URLS);
    let mut left = MOST_CORRUPT.max(u32::try_from(places).unwrap_or(u32::MAX));
    loop {
        match sink.take(&node.descriptor.digest, &mut content) {
            // What was held was no beginning of this blob.
            Err(e) if e.kind() == Kind::Content && started => {
                content.start_anew(false);
                started = false;
            }
            Err(e) if e.kind() == Kind::Content && left > 1 => {
                content.start_anew(true);
                left -= 1;
            }
            Err(e) if e.kind() == Kind::Failed => return Err(e),
            Err(e) => {
                let from = node.repositories.first().map(ToString::to_string).unwrap_or_default();
                let names_it = e.kind() == Kind::Content;
                return Err(if names_it { e } else { e.at(format!("{from}@{}", node.descriptor.digest)) });
            }
            Ok(()) => return Ok(()),
        }
    }
}
