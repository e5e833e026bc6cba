//! Fetches the blobs of a plan into a sink, in file order, so that the write front moves forward.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

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
    let countdown = Countdown::new(contents, &nodes, watch);
    let sink_failed = AtomicBool::new(false);
    let failures = side_by_side(nodes, jobs, |node| {
        if sink_failed.load(Ordering::Relaxed) {
            return None;
        }
        let digest = &node.descriptor.digest;
        let of = contents.image_with(digest).unwrap_or_default();
        watch.on(Event::BlobStarted { digest, size: node.descriptor.size, of: &of });
        let result = fetch_one(node, source, sink, watch);
        watch.on(Event::BlobEnded { digest });
        if result.is_ok() {
            countdown.arrived(digest);
        }
        let error = result.err()?;
        // The first word of a drive that fails is enough.
        let again = error.kind() == Kind::Failed && sink_failed.swap(true, Ordering::Relaxed);
        (!again).then(|| (digest.clone(), error))
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    Fetched { resumed: whole.len() as u64, fetched: count, failures: failures.into_iter().flatten().collect() }
}

/// How much of each image is still to come.
struct Countdown<'a> {
    /// The images that some content belongs to, by their numbers.
    of: HashMap<&'a Digest, Vec<usize>>,
    /// Of each image, the blobs that are not here yet.
    left: Vec<AtomicUsize>,
    done: AtomicU64,
    watch: &'a dyn Watch,
}

impl<'a> Countdown<'a> {
    fn new(contents: &'a Contents, nodes: &[&Node], watch: &'a dyn Watch) -> Self {
        let missing: HashSet<&Digest> = nodes.iter().map(|node| &node.descriptor.digest).collect();
        let mut of: HashMap<&Digest, Vec<usize>> = HashMap::new();
        let mut left = Vec::new();
        for (number, root) in contents.images().enumerate() {
            let closure = contents.closure(&root.digest).into_iter().map(|node| &node.descriptor.digest);
            let closure: Vec<&Digest> = closure.filter(|digest| missing.contains(digest)).collect();
            left.push(AtomicUsize::new(closure.len()));
            closure.into_iter().for_each(|digest| of.entry(digest).or_default().push(number));
        }
        let done = left.iter().filter(|left| left.load(Ordering::Relaxed) == 0).count() as u64;
        let countdown = Self { of, left, done: AtomicU64::new(done), watch };
        countdown.say(done);
        countdown
    }

    /// A blob is here.
    fn arrived(&self, digest: &Digest) {
        for number in self.of.get(digest).into_iter().flatten() {
            if self.left[*number].fetch_sub(1, Ordering::Relaxed) == 1 {
                self.say(self.done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        }
    }

    fn say(&self, done: u64) {
        self.watch.on(Event::Images { done, of: self.left.len() as u64 });
    }
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
