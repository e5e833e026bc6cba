//! `Event`: what happens while it happens, for whoever watches, and the word to stop that comes back.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::oci::{Digest, Platform};

/// How often a sleeper looks whether somebody asked to stop.
const SLICE: Duration = Duration::from_millis(50);

/// Something a person may want to know while it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Some bytes of the announced total moved.
    Advanced {
        /// Of which blob.
        digest: &'a Digest,
        /// How many bytes.
        bytes: u64,
    },
    /// A blob is under way.
    BlobStarted {
        /// Which.
        digest: &'a Digest,
        /// Its length in bytes.
        size: u64,
        /// Whose it is, as far as that is known: the name of an image or a repository.
        of: &'a str,
    },
    /// A blob arrived, or failed and will be reported.
    BlobEnded {
        /// Which.
        digest: &'a Digest,
    },
    /// An image is finished, one way or the other.
    Image {
        /// `pushed`, `present`, `skipped` or `failed`.
        status: &'static str,
        /// Where it is now.
        target: &'a str,
        /// Its digest.
        digest: &'a Digest,
        /// What went wrong.
        error: Option<&'a Error>,
    },
    /// So many images are done of so many, from here on counted by [`Event::Image`].
    Images {
        /// How many are done.
        done: u64,
        /// How many there are.
        of: u64,
    },
    /// A bundle is signed as is required.
    Signed {
        /// The bundle.
        path: &'a Path,
        /// The file with the public key.
        key: &'a Path,
        /// sha256 of that key's DER.
        fingerprint: &'a Digest,
    },
    /// Something about a host that decides how it is talked to from here on, such as what it turned out not to
    /// take.
    Learned {
        /// The registry.
        host: &'a str,
        /// What, and how that showed.
        what: &'a str,
    },
    /// How much there is to do from here on; no items end a phase.
    Phase {
        /// What is being done, as in "fetching".
        name: &'static str,
        /// Blobs or requests.
        items: u64,
        /// Bytes.
        bytes: u64,
    },
    /// Everything is known that there is to carry.
    Planned {
        /// Images by name.
        images: u64,
        /// Indexes and manifests.
        manifests: u64,
        /// Other content.
        blobs: u64,
        /// Its length in bytes.
        bytes: u64,
        /// Bytes that images share and that are carried once.
        shared: u64,
    },
    /// A request was answered, or not.
    Request {
        /// The registry.
        host: &'a str,
        /// Method and path, and what came of it; never a query or a header.
        line: &'a str,
    },
    /// A request failed and is sent again.
    Repeating {
        /// The registry.
        host: &'a str,
        /// What failed.
        reason: &'a str,
    },
    /// A request failed, and is sent again after a pause.
    Retrying {
        /// The registry.
        host: &'a str,
        /// Which repetition it is, of how many at most.
        attempt: (u32, u32),
        /// How long the pause is.
        wait: Duration,
        /// What failed, without the request.
        reason: &'a str,
    },
    /// The bundles that are served were opened anew.
    Reloaded {
        /// How many images there are now.
        images: u64,
    },
    /// A reference became a digest.
    Resolved {
        /// The image's name.
        name: &'a str,
        /// What it names now.
        digest: &'a Digest,
        /// The platforms it is for.
        platforms: &'a [Platform],
        /// How many manifests refer to it.
        referrers: u64,
    },
    /// A server answered a request, with all of the answer that was taken.
    Served {
        /// Who asked.
        client: std::net::SocketAddr,
        /// How.
        method: &'a str,
        /// For what: path and query.
        target: &'a str,
        /// The status of the answer.
        status: u16,
        /// Bytes of its body that went out.
        bytes: u64,
        /// How long it took.
        took: Duration,
        /// The program that asked, by its own word.
        agent: &'a str,
    },
    /// Input is written into a temporary file before it can be read.
    Spooling {
        /// What: a path or standard input.
        from: &'a str,
        /// The directory it goes to.
        to: &'a std::path::Path,
        /// Bytes that it may take there.
        most: u64,
        /// Bytes free there.
        free: u64,
    },
    /// A volume of a bundle is finished.
    Volume {
        /// Where it is.
        path: &'a std::path::Path,
        /// Which one it is, from 1.
        number: u32,
        /// Of so many.
        count: u32,
        /// Its length in bytes.
        bytes: u64,
        /// What makes it so, in a few words.
        state: &'a str,
    },
    /// A host is left alone for a while.
    Waiting {
        /// The registry.
        host: &'a str,
        /// For how long.
        seconds: u64,
        /// What it said.
        reason: &'a str,
    },
    /// Something to know that stops nothing.
    Warning {
        /// One line.
        message: &'a str,
    },
}

/// Whoever watches.
pub trait Watch: Send + Sync {
    /// Called from any thread, often.
    fn on(&self, event: Event<'_>);

    /// True once somebody asked to stop; long work looks at it.
    fn stopped(&self) -> Option<i32> {
        None
    }

    /// How often somebody asked to read everything anew; a server looks at it.
    fn reloads(&self) -> usize {
        0
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Watch for Quiet {
    fn on(&self, _: Event<'_>) {}
}

/// Sleeps, and wakes early with an error when somebody asks to stop.
///
/// # Errors
/// When somebody does.
pub(crate) fn sleep(duration: Duration, watch: &dyn Watch) -> Result<()> {
    let until = Instant::now() + duration;
    loop {
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(SLICE));
    }
}
