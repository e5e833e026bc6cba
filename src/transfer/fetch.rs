//! Fetches the blobs of a plan into a sink, in file order, so that the write front moves forward.

use std::sync::atomic::{AtomicBool, Ordering};

use super::content::BlobContent;
use crate::error::{Error, Kind, Result};
use crate::oci::Digest;
use crate::store::{Contents, Event, Held, Node, Sink, Source, Watch, side_by_side};

/// What came of fetching.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// Blobs that were there already, and whole.
    pub(crate) resumed: u64,
    /// Blobs of which something was fetched.
    pub(crate) fetched: u64,
    /// What failed, in file order.
    pub(crate) failures: Vec<(Digest, Error)>,
}

/// Fetches every blob that the sink does not hold, and goes on to the end whatever fails at a
/// registry. Where the sink itself fails, nothing more is begun.
pub(crate) fn fetch(
    contents: &Contents,
    source: &dyn Source,
    sink: &dyn Sink,
    jobs: usize,
    watch: &dyn Watch,
) -> Fetched {
    let (whole, nodes): (Vec<&Node>, Vec<&Node>) =
        contents.carried_blobs().partition(|n| matches!(sink.held(&n.descriptor.digest), Held::Whole));
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
    if let Held::Start { len, bytes } = sink.held(&node.descriptor.digest) {
        content.start_with(len, bytes);
    }
    loop {
        match sink.take(&node.descriptor.digest, &mut content) {
            Err(e) if e.kind() == Kind::Content => content.try_next(e)?,
            answer => return answer,
        }
    }
}
