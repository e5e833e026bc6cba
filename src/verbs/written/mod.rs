//! The one way from contents to a bundle: laid out, filled from wherever the content is, and made safe.

mod failed;
mod lock;
mod report;
mod signed;
mod taken;
mod volumes;

use std::path::PathBuf;

use crate::archive::{Layout, Output, Stopped, Written, check_room_beside};
use crate::error::{Error, Result};
use crate::oci::Role;
use crate::store::{Contents, LayerDelta, Node, Source, Watch};
use crate::transfer::{Wanted, fetch};
pub(super) use failed::failures;
use report::report;
use volumes::{InVolumes, Place};

pub(super) use lock::LockPlace;
pub(super) use signed::Signer;
pub(super) use taken::Taker;

pub use failed::ExportFailed;
pub use report::{Exported, ExportedBlobs, ExportedImage, ExportedVolume};

/// Where a bundle is written, and how.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    pub(super) output: PathBuf,
    /// An existing file may be replaced.
    pub(super) force: bool,
    /// Look at the place and the room for it, and write nothing.
    pub(super) dry_run: bool,
    /// Everything is read back before a file gets its name.
    pub(super) read_back: bool,
    /// The most bytes of a volume, where it is divided into such.
    pub(super) volume_size: Option<u64>,
    /// Who takes finished volumes.
    pub(super) taker: Option<Taker>,
    /// Who signs.
    pub(super) signer: Option<Signer>,
    /// Blobs that are fetched side by side.
    pub(super) jobs: usize,
    /// What becomes of each image.
    pub(super) status: &'static str,
}

/// What a verb that writes bundles takes about them, as methods of its builder; its field `writing` is a [`Writing`].
macro_rules! writes_bundles {
    () => {
        /// An existing bundle may be replaced, once the new one is complete.
        #[must_use]
        pub fn force(mut self, force: bool) -> Self {
            self.writing.force = force;
            self
        }

        /// Plan only; nothing is written.
        #[must_use]
        pub fn dry_run(mut self, dry_run: bool) -> Self {
            self.writing.dry_run = dry_run;
            self
        }

        /// Read everything back from the drive before the bundle gets its name.
        #[must_use]
        pub fn read_back(mut self, read_back: bool) -> Self {
            self.writing.read_back = read_back;
            self
        }

        /// Divide the bundle into volumes, files of at most so many bytes. Their names are made from the path.
        #[must_use]
        pub fn volume_size(mut self, bytes: Option<u64>) -> Self {
            self.writing.volume_size = bytes;
            self
        }

        /// Who takes each volume when it is finished, before the next begins: it may be moved away, and the drive be
        /// changed. What he cannot take, the next run hands to him again.
        #[must_use]
        pub fn hand_on(mut self, take: impl Fn(&ExportedVolume) -> Result<()> + Send + Sync + 'static) -> Self {
            self.writing.taker = Some(Taker(Arc::new(take)));
            self
        }
    };
}
pub(super) use writes_bundles;

impl Writing {
    pub(super) fn new(output: impl Into<PathBuf>, status: &'static str) -> Self {
        Self {
            output: output.into(),
            force: false,
            dry_run: false,
            read_back: false,
            volume_size: None,
            taker: None,
            signer: None,
            jobs: 4,
            status,
        }
    }

    /// Makes ready, before anything is looked up. Of volumes each is opened when it is its turn, and a dry run may go
    /// without a path; what it is given is looked at.
    ///
    /// # Errors
    /// The file exists, or its directory cannot be written.
    pub(super) fn open(&self) -> Result<Option<Output>> {
        let is_named = !self.output.as_os_str().is_empty();
        if self.volume_size.is_some() {
            return if is_named { check_room_beside(&self.output, 0).map(|()| None) } else { Ok(None) };
        }
        if let Some(signer) = self.signer.as_ref().filter(|_| is_named && !self.force) {
            signer.check_place(&self.output)?;
        }
        let goes_without = self.dry_run && !is_named;
        if goes_without { Ok(None) } else { Output::open(&self.output, self.force).map(Some) }
    }

    /// Writes these contents. On failure the output path is exactly as it was before.
    ///
    /// # Errors
    /// Every blob that failed; nothing is written unless all of them are there.
    pub(super) fn write(
        &self,
        contents: &Contents,
        source: &dyn Source,
        output: Option<Output>,
        watch: &dyn Watch,
    ) -> Result<Exported, ExportFailed> {
        let mut exported = report(contents);
        if let Some(size) = self.volume_size {
            let Self { output, force, read_back, taker, signer, jobs, .. } = self;
            let (force, read_back, jobs) = (*force, *read_back, *jobs);
            let place = Place { output, force, read_back, taker: taker.as_ref(), signer: signer.as_ref(), jobs };
            let volumes = InVolumes::new(place, size, contents, source, watch)?;
            if self.dry_run {
                volumes.planned(&mut exported)?;
                return Ok(exported);
            }
            volumes.run(&mut exported)?;
            exported.images.iter_mut().for_each(|image| image.status = self.status);
            return Ok(exported);
        }
        let Some(output) = output else { return Ok(exported) };
        let layout = match Layout::new(contents) {
            Ok(layout) => layout,
            Err(error) => return Err(Stopped::new(error, output.give_up()).into()),
        };
        if self.dry_run {
            let room = output.check_room(&layout);
            output.give_up();
            return room.map(|()| exported).map_err(Into::into);
        }
        let index_json = self.signer.as_ref().map(|_| layout.index_json().to_vec());
        let writer = output.begin(layout, self.jobs, watch)?;
        let deltas: Vec<Node> = contents.deltas().map(as_content).collect();
        let wanted = contents.carried_blobs().chain(&deltas).map(Wanted::Whole).collect();
        let fetched = fetch(contents, wanted, source, &writer, self.jobs, watch);
        if let Some(signal) = watch.stopped() {
            return Err(Stopped::new(Error::Interrupted { signal }, writer.leave()).into());
        }
        if !fetched.failures.is_empty() {
            return Err(ExportFailed::new(failures(contents, fetched.failures), writer.leave()));
        }
        (exported.blobs.fetched, exported.blobs.resumed) = (fetched.fetched, fetched.resumed);
        let written = writer.finish(self.read_back.then_some(self.jobs), watch)?;
        let Written { path, bytes, digest, synced } = written;
        if let (Some(signer), Some(index_json)) = (&self.signer, index_json) {
            exported.signature = Some(signer.sign(&path, &index_json, self.force)?);
        }
        (exported.bundle, exported.digest, exported.bytes) = (Some(path), Some(digest), Some(bytes));
        exported.synced = synced;
        exported.images.iter_mut().for_each(|image| image.status = self.status);
        Ok(exported)
    }
}

/// A difference as content by itself, which comes from where its layer does.
fn as_content((node, delta): (&Node, &LayerDelta)) -> Node {
    Node::new(delta.descriptor(), Role::Layer, node.places.clone())
}
