//! Fetches the blobs of a plan into a sink, in file order, so that the write front moves forward.

use crate::error::{Error, Kind, Result};
use crate::oci::Digest;
use crate::store::{Contents, Event, Node, Sink, Source, Watch, side_by_side};

use super::BlobContent;

/// Corrupt content is asked for once more before it counts as corrupt at the source.
const MOST_CORRUPT: u32 = 2;

/// Fetches every blob, and goes on to the end whatever fails. The failures, in file order.
pub fn fetch(
    contents: &Contents,
    source: &dyn Source,
    sink: &dyn Sink,
    jobs: usize,
    watch: &dyn Watch,
) -> Vec<(Digest, Error)> {
    let nodes: Vec<&Node> = contents.blobs().collect();
    let bytes = nodes.iter().map(|n| n.descriptor.size).sum();
    watch.on(Event::Phase { name: "fetching", items: nodes.len() as u64, bytes });
    let failures = side_by_side(nodes, jobs, |node| {
        let digest = &node.descriptor.digest;
        watch.on(Event::BlobStarted { digest, size: node.descriptor.size });
        let result = fetch_one(node, source, sink, watch);
        watch.on(Event::BlobEnded { digest });
        result.err().map(|e| (digest.clone(), e))
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    failures.into_iter().flatten().collect()
}

fn fetch_one(node: &Node, source: &dyn Source, sink: &dyn Sink, watch: &dyn Watch) -> Result<()> {
    let mut content = BlobContent::new(source, node, watch);
    let tries = MOST_CORRUPT.max(u32::try_from(node.repositories.len()).unwrap_or(u32::MAX));
    let mut left = tries;
    loop {
        left -= 1;
        match sink.take(&node.descriptor.digest, &mut content) {
            Err(e) if e.kind() == Kind::Content && left > 0 => content.start_anew(),
            Err(e) => {
                let from = node.repositories.first().map(ToString::to_string).unwrap_or_default();
                let names_it = e.kind() == Kind::Content;
                return Err(if names_it { e } else { e.at(format!("{from}@{}", node.descriptor.digest)) });
            }
            Ok(()) => return Ok(()),
        }
    }
}
