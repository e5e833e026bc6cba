//! Goes on with the partial file of an earlier export, however that ended.
//!
//! The same images at the same digests: every place is the same, and what hashes right stays. Other
//! ones: what both have in common is moved within the file. While that goes on, the heads of before
//! stand in `.NAME.partial.moving`, so that whatever interrupts it, each blob can be found again at
//! its old place or at its new one.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::filled::{self, Filled};
use super::head;
use super::moves::{self, Move};
use super::partial::{Partial, open_own};
use crate::archive::file_system::{self, AtName, FileSystem};
use crate::archive::format::layout::{Layout, Region};
use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::store::{Event, Watch, side_by_side};

/// What of the layout's blobs stands at its place, once everything that could be kept is there.
/// What is nobody's reads as zeros then, where the file system can do that.
pub(crate) fn take_up(
    partial: &Partial,
    layout: &Layout,
    system: FileSystem,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<HashMap<Digest, Filled>> {
    let file = partial.file();
    let moving = Moving::of(partial);
    let before = moving.heads()?;
    let len = file.metadata().map_err(partial.failed("look up"))?.len();
    if len == 0 && before.is_empty() {
        return Ok(HashMap::new());
    }
    // What an earlier run could not get onto the drive must not be taken from memory as if it had.
    file_system::drop_cache(file).map_err(partial.failed("read"))?;
    let mut held = if before.is_empty() && filled::begins_with(file, layout.head()) {
        look_at(file, layout.regions().to_vec(), jobs, watch)?
    } else {
        rearrange(partial, layout, before, jobs, watch)?
    };
    let held: HashMap<Digest, Filled> = held.drain(..).map(|(region, filled)| (region.digest, filled)).collect();
    clear(file, layout, &held, system).map_err(partial.failed("empty"))?;
    Ok(held)
}

/// What stands of these regions, side by side. Regions of which nothing stands are left out.
pub(super) fn look_at(
    file: &File,
    mut regions: Vec<Region>,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<Vec<(Region, Filled)>> {
    regions.retain(|r| filled::has_header(file, r));
    let bytes = regions.iter().map(|r| r.extent.size).sum();
    watch.on(Event::Phase { name: "checking", items: regions.len() as u64, bytes });
    let found = side_by_side(regions, jobs, |region| {
        let digest = &region.digest;
        watch.on(Event::BlobStarted { digest, size: region.extent.size, of: "" });
        let filled = filled::look(file, &region, &|bytes| filled::advance(watch, digest, bytes));
        watch.on(Event::BlobEnded { digest });
        filled.map(|filled| (region, filled))
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    let mut found: Vec<(Region, Filled)> = found.into_iter().collect::<Result<_>>()?;
    found.retain(|(_, filled)| *filled != Filled::Nothing);
    Ok(found)
}

/// Finds the layout's blobs at their places of before, and moves them to where they belong now.
fn rearrange(
    partial: &Partial,
    layout: &Layout,
    mut before: Vec<head::Head>,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<Vec<(Region, Filled)>> {
    let file = partial.file();
    before.extend(head::read(file, 0));
    let mut places: Vec<Region> = before.iter().flat_map(|h| &h.regions).cloned().collect();
    places.retain(|r| layout.region(&r.digest).is_some_and(|now| now.is_like(r)));
    places.sort_by_key(|r| r.start);
    places.dedup();
    let mut best: HashMap<Digest, (Region, Filled)> = HashMap::new();
    for (region, filled) in look_at(file, places, jobs, watch)? {
        let better = best.get(&region.digest).is_none_or(|(_, other)| amount(filled) > amount(*other));
        if better {
            best.insert(region.digest.clone(), (region, filled));
        }
    }
    let moving = Moving::of(partial);
    if best.is_empty() {
        moving.end()?;
        file.set_len(0).map_err(partial.failed("empty"))?;
        return Ok(Vec::new());
    }
    moving.begin(before.iter().map(|h| h.bytes.as_slice()).chain([layout.head()]))?;
    let order = moves::in_order(best.values().filter_map(|(from, filled)| {
        let to = layout.region(&from.digest)?.start;
        let end = if let Filled::Start(len) = filled { from.extent.offset + len } else { from.end() };
        Some(Move { from: from.start, to, len: end - from.start })
    }));
    let digests: HashMap<u64, &Digest> = best.values().map(|(r, _)| (r.start, &r.digest)).collect();
    let away = || order.iter().filter(|m| m.from != m.to);
    watch.on(Event::Phase { name: "moving", items: away().count() as u64, bytes: away().map(|m| m.len).sum() });
    for one in away() {
        let progress = |bytes| digests.get(&one.from).map_or(Ok(()), |digest| filled::advance(watch, digest, bytes));
        moves::carry_out(file, *one, &progress).map_err(|e| match e.downcast() {
            Ok(stop) => stop,
            Err(e) => partial.failed("move content in")(e),
        })?;
    }
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    file.write_all_at(layout.head(), 0).map_err(partial.failed("write"))?;
    file_system::sync(file).map_err(partial.failed("sync"))?;
    moving.end()?;
    look_at(file, layout.regions().to_vec(), jobs, watch)
}

/// Of two that stand, the one with more is better.
fn amount(filled: Filled) -> u64 {
    match filled {
        Filled::Nothing => 0,
        Filled::Start(len) => len,
        Filled::Whole => u64::MAX,
    }
}

/// Takes away what is nobody's, so that a beginning can be told from what was there before.
fn clear(file: &File, layout: &Layout, held: &HashMap<Digest, Filled>, system: FileSystem) -> io::Result<()> {
    let len = file.metadata()?.len();
    let mut kept = vec![layout.head().len() as u64];
    let mut free = Vec::new();
    for region in layout.regions() {
        let end = match held.get(&region.digest) {
            Some(Filled::Whole) => region.end(),
            Some(Filled::Start(len)) => region.extent.offset + len,
            _ => region.start,
        };
        kept.extend((end > region.start).then_some(end));
        match free.last_mut() {
            Some((_, last)) if *last == region.start && end == region.start => *last = region.end(),
            _ => free.push((end, region.end())),
        }
    }
    // Shorter only, ever: to make a file longer writes zeros where there are no holes. There also to
    // the same length: on a FAT drive that was pulled out, a file may own clusters after its end, and
    // Linux turns the drive read-only when it is written on before those are given back.
    let last = if system.has_holes { layout.bytes() } else { kept.into_iter().max().unwrap_or_default().min(len) };
    if len > last || !system.has_holes {
        file.set_len(last)?;
    }
    if system.has_holes {
        for (start, end) in free.into_iter().filter(|(start, end)| start < end && *start < len) {
            file_system::punch(file, start, end)?;
        }
    }
    Ok(())
}

/// The heads of before, while content is being moved.
struct Moving<'a> {
    partial: &'a Partial,
    name: String,
}

impl<'a> Moving<'a> {
    fn of(partial: &'a Partial) -> Self {
        Self { partial, name: format!("{}.moving", partial.hidden()) }
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::disk(doing, self.path())
    }

    fn path(&self) -> PathBuf {
        self.partial.path().with_file_name(&self.name)
    }

    fn heads(&self) -> Result<Vec<head::Head>> {
        let folder = self.partial.directory();
        if folder.at_name(&self.name).map_err(self.failed("look up"))? == AtName::Nothing {
            return Ok(Vec::new());
        }
        Ok(head::read_all(&open_own(folder, &self.name, &self.path())?))
    }

    /// Writes them down, safely. The same head is written once.
    fn begin<'h>(&self, heads: impl Iterator<Item = &'h [u8]>) -> Result<()> {
        let mut different: Vec<&[u8]> = Vec::new();
        for head in heads {
            if !different.contains(&head) {
                different.push(head);
            }
        }
        let file = open_own(self.partial.directory(), &self.name, &self.path())?;
        let bytes = different.concat();
        file.write_all_at(&bytes, 0).map_err(self.failed("write"))?;
        file.set_len(bytes.len() as u64).map_err(self.failed("write"))?;
        file_system::sync(&file).map_err(self.failed("sync"))?;
        file_system::sync(self.partial.directory().file()).map_err(self.failed("sync the directory of"))?;
        Ok(())
    }

    fn end(&self) -> Result<()> {
        match self.partial.directory().remove(&self.name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.failed("remove")(e)),
            _ => Ok(()),
        }
    }
}
