//! Fetches blobs, and parts of blobs, into a sink, in file order, so that the write front moves forward.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::content::BlobContent;
use super::cut_content::CutContent;
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

/// What goes into a sink.
pub(crate) enum Wanted<'a, 'c> {
    /// A blob.
    Whole(&'a Node),
    /// These bytes of one, from the first on and so many.
    Part(&'c mut CutContent<'a>, u64, u64),
}

impl<'a> Wanted<'a, '_> {
    fn node(&self) -> &'a Node {
        match self {
            Self::Whole(node) => node,
            Self::Part(content, ..) => content.node(),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Whole(node) => node.descriptor.size,
            Self::Part(.., bytes) => *bytes,
        }
    }
}

/// Fetches everything that the sink does not hold, and goes on to the end whatever fails at a registry. Where the
/// sink itself fails, nothing more is begun.
pub(crate) fn fetch(
    contents: &Contents,
    wanted: Vec<Wanted<'_, '_>>,
    source: &dyn Source,
    sink: &dyn Sink,
    jobs: usize,
    watch: &dyn Watch,
) -> Fetched {
    let (whole, wanted): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|w| matches!(sink.held(&w.node().descriptor.digest), Held::Whole));
    let missing = |wanted: &Wanted<'_, '_>| match sink.held(&wanted.node().descriptor.digest) {
        Held::Start { len, .. } => wanted.size().saturating_sub(len),
        _ => wanted.size(),
    };
    let bytes = wanted.iter().map(missing).sum();
    let count = wanted.len() as u64;
    watch.on(Event::Phase { name: "fetching", items: count, bytes });
    let nodes: Vec<&Node> = wanted.iter().map(Wanted::node).collect();
    let countdown = Countdown::new(contents, &nodes, watch);
    let sink_failed = AtomicBool::new(false);
    let failures = side_by_side(wanted, jobs, |wanted| {
        if sink_failed.load(Ordering::Relaxed) {
            return None;
        }
        let digest = &wanted.node().descriptor.digest;
        let of = contents.image_with(digest).unwrap_or_default();
        watch.on(Event::BlobStarted { digest, size: wanted.size(), of: &of });
        let result = match wanted {
            Wanted::Whole(node) => fetch_one(node, source, sink, watch),
            Wanted::Part(content, from, bytes) => content.put(from, bytes, sink),
        };
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

/// The content of a blob, for whoever reads it once: checked, and continued where it breaks.
pub(crate) fn read_blob<'a>(source: &'a dyn Source, node: &'a Node, watch: &'a dyn Watch) -> Box<dyn Read + Send + 'a> {
    Box::new(BlobContent::new(source, node, watch))
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
