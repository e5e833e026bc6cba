//! What the middle rooms share, so that they need not know each other: where content comes from
//! ([`Source`]), where it goes ([`Sink`], [`Target`]), what there is to move ([`Contents`]) and what
//! to tell whoever watches ([`Event`]).

mod contents;
mod referrers;
mod workers;

use std::io::Read;

pub use contents::{Contents, Node, Root};
pub use referrers::Referrer;
pub use workers::{crew, side_by_side};

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Platform, Reference, Repository, Role, Tag};

/// Where content comes from: registries, or a bundle.
///
/// `from` says where a piece is known to be; a source with one place for everything ignores it.
pub trait Source: Sync {
    /// Where this content comes from, for a message: the repository, or the file.
    fn place(&self, from: &Repository, digest: &Digest) -> String;

    /// An error about this content, with its name. A bundle has one place for all: its errors name
    /// the content themselves, and whoever opened it names the file.
    fn about(&self, from: &Repository, digest: &Digest, error: Error) -> Error {
        error.at(format!("{from}@{digest}"))
    }

    /// The manifest that a reference names now.
    ///
    /// # Errors
    /// Not found, refused, not a manifest, or not the digest asked for.
    fn resolve(&self, reference: &Reference) -> Result<Manifest>;

    /// A manifest by its digest, checked against it.
    ///
    /// # Errors
    /// As for [`Source::resolve`].
    fn manifest(&self, from: &Repository, descriptor: &Descriptor) -> Result<Manifest>;

    /// Whether a blob is there, without reading it.
    ///
    /// # Errors
    /// When the source does not say.
    fn has_blob(&self, from: &Repository, descriptor: &Descriptor) -> Result<bool>;

    /// Whether content that a repository does not have is taken from the addresses in its descriptor.
    fn has_elsewhere(&self, _: &Descriptor) -> bool {
        false
    }

    /// The content of a blob from byte `offset` on. Not checked: [`crate::oci::VerifyReader`] does.
    ///
    /// # Errors
    /// When it cannot be opened there.
    fn open(&self, from: &Repository, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>>;
}

/// Where one can ask what refers to some content: registries.
pub trait ReferrerSource: Sync {
    /// What a repository lists about this manifest, unchecked. `among` is how many manifests of the
    /// repository are asked about in all, as far as is known: with many there may be a cheaper way.
    ///
    /// # Errors
    /// When it does not say. An error is never to be taken for an empty list.
    fn referrers(&self, at: &Repository, subject: &Digest, among: usize) -> Result<Vec<Descriptor>>;
}

/// The content of one blob on its way: reads checked bytes, and can go back.
pub trait Content: Read + Send {
    /// Stands at byte `offset` again. What is before it counts as read.
    ///
    /// # Errors
    /// When the source cannot be opened there.
    fn seek_to(&mut self, offset: u64) -> Result<()>;
}

/// What a [`Sink`] has of a blob from an earlier attempt.
pub enum Held<'a> {
    /// Nothing.
    Nothing,
    /// Its first `len` bytes, as far as can be told: only the digest of the whole decides.
    Start {
        /// How many bytes.
        len: u64,
        /// The bytes.
        bytes: Box<dyn Read + Send + 'a>,
    },
    /// All of it, checked.
    Whole,
}

/// Where blobs are put down side by side: a bundle in the making.
pub trait Sink: Sync {
    /// What there is of a blob already.
    fn held(&self, digest: &Digest) -> Held<'_>;

    /// Takes a whole blob, what is held of it included.
    ///
    /// # Errors
    /// When reading or writing fails.
    fn take(&self, digest: &Digest, content: &mut dyn Content) -> Result<()>;
}

/// What was done about a blob at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Put {
    /// It was there already.
    Found,
    /// Taken over from another repository of the target, without a body.
    Mounted,
    /// Sent.
    Sent,
}

/// Where images are pushed to: a registry.
pub trait Target: Sync {
    /// Whether the content is there in its full length.
    ///
    /// # Errors
    /// When the target does not say.
    fn has(&self, to: &Repository, role: Role, descriptor: &Descriptor) -> Result<bool>;

    /// Makes sure that blobs may be sent to this repository, before any is sent to any.
    ///
    /// # Errors
    /// When the target refuses.
    fn prepare(&self, to: &Repository) -> Result<()>;

    /// Brings a blob into a repository: by mounting it from one that has it, else by sending it. To
    /// mount it from the repository itself is to ask whether it is there and for leave to send it,
    /// both at once.
    ///
    /// # Errors
    /// When the target refuses it or the content is not what it should be.
    fn put_blob(
        &self,
        to: &Repository,
        mount_from: Option<&Repository>,
        descriptor: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<Put>;

    /// Puts a manifest by its digest, or under a tag.
    ///
    /// # Errors
    /// When the target refuses it.
    fn put_manifest(&self, to: &Repository, manifest: &Manifest, tag: Option<&Tag>) -> Result<()>;

    /// Makes sure that a manifest which is there is found by its subject.
    ///
    /// # Errors
    /// When the target does not say, or refuses.
    fn list_referrer(&self, to: &Repository, manifest: &Manifest) -> Result<()>;

    /// The bytes of a manifest as the target serves them, by tag or by digest; `None` if absent.
    ///
    /// # Errors
    /// When the target does not say.
    fn read_back(&self, to: &Repository, tag: Option<&Tag>, digest: &Digest) -> Result<Option<Vec<u8>>>;

    /// Gives up what was prepared and not used.
    fn finish(&self);
}

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
    },
    /// A blob arrived, or failed and will be reported.
    BlobEnded {
        /// Which.
        digest: &'a Digest,
    },
    /// An image is finished, one way or the other.
    Image {
        /// `pushed`, `present` or `failed`.
        status: &'static str,
        /// Where it is now.
        target: &'a str,
        /// Its digest.
        digest: &'a Digest,
        /// What went wrong.
        error: Option<&'a Error>,
    },
    /// How much there is to do from here on; zero bytes ends a phase.
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
    /// Input is written into a temporary file before it can be read.
    Spooling {
        /// What: a path or standard input.
        from: &'a str,
        /// The directory it goes to.
        to: &'a std::path::Path,
        /// Bytes it needs there, as far as can be known.
        at_least: u64,
        /// Bytes free there.
        free: u64,
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
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Watch for Quiet {
    fn on(&self, _: Event<'_>) {}
}
