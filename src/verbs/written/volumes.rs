//! An export into several files: each is written in one go and finished before the next begins, so that it may be
//! moved away.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::failed::{ExportFailed, failures};
use super::report::{Exported, ExportedVolume};
use super::signed::Signer;
use super::taken::Taker;
use crate::archive::{
    AtPlace, Layout, Output, Part, PartsBefore, Piece, Stopped, Volumes, VolumesJournal, VolumesProgress, Written,
    at_place, check_room_beside, divide, is_whole, others_beside, remove_volume, volume_path,
};
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::Digest;
use crate::store::{Contents, Event, Node, Source, Watch};
use crate::transfer::{CutContent, Wanted, fetch};

/// Where volumes are written, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// What their names are made from.
    pub(super) output: &'a Path,
    /// Existing files may be replaced.
    pub(super) force: bool,
    /// Everything is read back before a file gets its name.
    pub(super) read_back: bool,
    /// Who takes finished volumes.
    pub(super) taker: Option<&'a Taker>,
    /// Who signs.
    pub(super) signer: Option<&'a Signer>,
    /// Blobs that are fetched side by side.
    pub(super) jobs: usize,
}

/// One export into volumes.
pub(super) struct InVolumes<'a> {
    place: Place<'a>,
    contents: &'a Contents,
    source: &'a dyn Source,
    watch: &'a dyn Watch,
    volumes: Volumes,
    digest: Digest,
    done: VolumesProgress,
}

impl<'a> InVolumes<'a> {
    /// Divides the contents into volumes of at most so many bytes.
    pub(super) fn new(
        place: Place<'a>,
        size: u64,
        contents: &'a Contents,
        source: &'a dyn Source,
        watch: &'a dyn Watch,
    ) -> Result<Self> {
        let volumes = divide(contents, size)?;
        let digest = Layout::volume(contents, &volumes, 1)?.digest().clone();
        Ok(Self { place, contents, source, watch, volumes, digest, done: VolumesProgress::default() })
    }

    fn path(&self, number: u32) -> PathBuf {
        volume_path(self.place.output, number, self.volumes.count)
    }

    fn layout(&self, number: u32) -> Result<Layout> {
        Layout::volume(self.contents, &self.volumes, number)
    }

    fn journal(&self) -> Result<VolumesJournal> {
        let about = (&self.digest, self.volumes.count, self.volumes.size);
        VolumesJournal::open(self.place.output, about, &self.done)
    }

    fn volume(&self, number: u32, bytes: u64) -> ExportedVolume {
        ExportedVolume { bundle: self.path(number), signature: None, number, count: self.volumes.count, bytes }
    }

    /// What a dry run says.
    pub(super) fn planned(&self, exported: &mut Exported) -> Result<()> {
        for number in 1..=self.volumes.count {
            let bytes = self.layout(number)?.bytes();
            exported.volumes.push(self.volume(number, bytes));
        }
        if self.place.output.as_os_str().is_empty() {
            return Ok(());
        }
        self.check_places()
    }

    /// That nothing is in the way and all of it fits, before anything is fetched. Where volumes are taken away, only
    /// one at a time has to.
    fn check_places(&self) -> Result<()> {
        let mut needed = 0;
        for number in 1..=self.volumes.count {
            let (path, layout) = (self.path(number), self.layout(number)?);
            match at_place(&path, &layout)? {
                AtPlace::Nothing if !self.place.force && !self.done.written.contains(&number) => {
                    self.place.signer.map_or(Ok(()), |signer| signer.check_place(&path))?;
                    needed += layout.bytes();
                }
                AtPlace::Other if !self.place.force => {
                    let message = format!("{}: the file exists", path.display());
                    return Err(Error::Usage { message, next: Some(NextStep::AllowReplacing) });
                }
                AtPlace::Nothing | AtPlace::Other if !self.done.written.contains(&number) => needed += layout.bytes(),
                _ => {}
            }
            let own = hidden_bytes(&path);
            needed = needed.saturating_sub(own);
        }
        if self.place.taker.is_none() { check_room_beside(self.place.output, needed) } else { Ok(()) }
    }

    /// Writes every volume that is not there.
    pub(super) fn run(mut self, exported: &mut Exported) -> Result<(), ExportFailed> {
        let journal = self.journal()?;
        self.done.clone_from(journal.progress());
        if let Err(error) = self.check_places() {
            // Nothing was written, so nothing stays.
            if self.done == VolumesProgress::default() {
                journal.remove();
            }
            return Err(error.into());
        }
        for other in others_beside(self.place.output, self.volumes.count)? {
            let message = format!("{other} is a volume of another size: remove it if it is not needed");
            self.watch.on(Event::Warning { message: &message });
        }
        drop(journal);
        exported.synced = true;
        let mut cut: HashMap<&Digest, CutContent<'a>> = HashMap::new();
        for number in 1..=self.volumes.count {
            // Opened anew for each: another drive may be there now.
            let mut journal = self.journal()?;
            let layout = self.layout(number)?;
            let bytes = layout.bytes();
            let index_json = self.place.signer.map(|_| layout.index_json().to_vec());
            let is_there = self.write(number, layout, &mut cut, &mut journal, exported)?;
            self.done.clone_from(journal.progress());
            // Nothing of the drive is held open while somebody may change it.
            drop(journal);
            let mut volume = self.volume(number, bytes);
            if let (Some(signer), Some(index_json), true) = (self.place.signer, index_json, is_there) {
                // Beside each, since volumes part. What an earlier run signed is signed anew.
                volume.signature = Some(signer.sign(&volume.bundle, &index_json, true)?);
            }
            exported.volumes.push(volume.clone());
            if let Some(Taker(take)) = self.place.taker
                && is_there
                && !self.done.handed_on.contains(&number)
            {
                cut.values_mut().for_each(CutContent::let_go);
                take(&volume)?;
                self.done.handed_on.insert(number);
            }
        }
        self.journal()?.remove();
        exported.digest = Some(self.digest);
        exported.bytes = Some(exported.volumes.iter().map(|volume| volume.bytes).sum());
        Ok(())
    }

    /// Sees that a volume is finished. Whether it is at its place; one that was moved away is not.
    fn write(
        &self,
        number: u32,
        layout: Layout,
        cut: &mut HashMap<&'a Digest, CutContent<'a>>,
        journal: &mut VolumesJournal,
        exported: &mut Exported,
    ) -> Result<bool, ExportFailed> {
        let path = self.path(number);
        let jobs = self.place.jobs;
        let count = layout.regions().len() as u64;
        let was_written = journal.progress().written.contains(&number);
        let there = at_place(&path, &layout)?;
        if was_written && there == AtPlace::Nothing {
            let message = format!("{}: written before and not here now: taken as moved away", path.display());
            self.watch.on(Event::Warning { message: &message });
            exported.blobs.resumed += count;
            return Ok(false);
        }
        if there == AtPlace::Volume && is_whole(&path, &layout, jobs, self.watch)? {
            if !was_written {
                journal.is_written(number)?;
            }
            self.tell(number, layout.bytes(), "there already");
            exported.blobs.resumed += count;
            return Ok(true);
        }
        // What begins as this very volume does is an earlier try at it.
        let output = Output::open(&path, self.place.force || there == AtPlace::Volume)?;
        let writer = output.begin(layout, jobs, self.watch)?;
        let mut wanted = Vec::new();
        let mut parts: HashMap<&Digest, CutContent<'a>> = HashMap::new();
        let mut ranges = HashMap::new();
        for Piece { node, part } in self.volumes.pieces(self.contents, number) {
            let digest = &node.descriptor.digest;
            let Some(part) = part else {
                wanted.push(Wanted::Whole(node));
                continue;
            };
            let content = match cut.remove(digest) {
                Some(content) => content,
                None => self.begun(node, part)?,
            };
            parts.insert(digest, content);
            ranges.insert(digest, (part.from, part.bytes));
        }
        let in_parts = parts.iter_mut().map(|(digest, content)| {
            let (from, bytes) = ranges[digest];
            Wanted::Part(content, from, bytes)
        });
        let wanted = in_parts.chain(wanted).collect();
        let fetched = fetch(self.contents, wanted, self.source, &writer, jobs, self.watch);
        cut.extend(parts);
        if let Some(signal) = self.watch.stopped() {
            return Err(Stopped::new(Error::Interrupted { signal }, writer.leave()).into());
        }
        if !fetched.failures.is_empty() {
            let failed = fetched.failures.into_iter().map(|(digest, error)| {
                let error = self.disown(&digest, number, error, journal);
                (digest, error)
            });
            return Err(ExportFailed::new(failures(self.contents, failed.collect()), writer.leave()));
        }
        exported.blobs.fetched += fetched.fetched;
        exported.blobs.resumed += fetched.resumed;
        let written = writer.finish(self.place.read_back.then_some(jobs), self.watch)?;
        let Written { bytes, synced, .. } = written;
        exported.synced &= synced;
        journal.is_written(number)?;
        let safe = if synced { "synced to disk" } else { "not confirmed by the drive" };
        self.tell(number, bytes, safe);
        Ok(true)
    }

    /// A cut blob from this part on. The parts before are in volumes of an earlier run: looked at already, where they are
    /// still there.
    fn begun(&self, node: &'a Node, part: Part) -> Result<CutContent<'a>> {
        let mut content = CutContent::new(self.source, node, self.watch);
        let digest = &node.descriptor.digest;
        let mut before = PartsBefore::default();
        for number in self.volumes.cut_over(digest).into_iter().take(part.number as usize - 1) {
            let (path, layout) = (self.path(number), self.layout(number)?);
            match layout.region(digest) {
                Some(region) if at_place(&path, &layout)? == AtPlace::Volume => before.add(path, region.extent),
                _ => return Ok(content),
            }
        }
        if part.from > 0 {
            content.go_on_after(part.from, before);
        }
        Ok(content)
    }

    /// Where a cut blob turns out wrong at its end, its parts in earlier volumes are wrong too.
    fn disown(&self, digest: &Digest, number: u32, error: Error, journal: &mut VolumesJournal) -> Error {
        let before: Vec<u32> = self.volumes.cut_over(digest).into_iter().filter(|volume| *volume < number).collect();
        if error.kind() != Kind::Content || before.is_empty() {
            return error;
        }
        let mut names = Vec::new();
        for volume in before {
            let path = self.path(volume);
            remove_volume(&path);
            // The error at hand says more than that of a drive.
            let _ = journal.is_bad(volume);
            names.push(file_name(&path));
        }
        error.noted(format!("parts of it are in {}, which the next export writes again", names.join(", ")))
    }

    fn tell(&self, number: u32, bytes: u64, state: &str) {
        let path = self.path(number);
        self.watch.on(Event::Volume { path: &path, number, count: self.volumes.count, bytes, state });
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What an earlier try has taken up on the drive, in bytes.
fn hidden_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let hidden = path.with_file_name(format!(".{}.partial", file_name(path)));
    std::fs::symlink_metadata(hidden).map_or(0, |metadata| metadata.blocks() * 512)
}
