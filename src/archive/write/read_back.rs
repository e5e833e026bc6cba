//! Reads a finished file back from the drive itself: a fake or failing drive shows here, and nowhere
//! before. Everything is written before anything is read back, since fake drives wrap around.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::filled;
use super::partial::Partial;
use crate::archive::file_system;
use crate::archive::format::header::END;
use crate::archive::format::layout::{Layout, Region};
use crate::error::{Error, Result};
use crate::oci::BadContent;
use crate::store::{Event, Watch, side_by_side};

/// Compares every byte of the partial file, which was synced, with what was meant.
///
/// # Errors
/// At the first byte range, front to back, that is something else or cannot be read.
pub(crate) fn read_back(partial: &Partial, layout: &Layout, jobs: usize, watch: &dyn Watch) -> Result<()> {
    file_system::drop_cache(partial.file()).map_err(partial.failed("read back"))?;
    let file = partial.reopened()?;
    if !filled::begins_with(&file, layout.head()) {
        return Err(differs(partial, 0));
    }
    let regions: Vec<&Region> = layout.regions().iter().collect();
    let bytes = regions.iter().map(|r| r.extent.size).sum();
    watch.on(Event::Phase { name: "reading back", items: regions.len() as u64, bytes });
    let results = side_by_side(regions, jobs, |region| {
        let digest = &region.digest;
        watch.on(Event::BlobStarted { digest, size: region.extent.size, of: "" });
        let result = same_region(partial, &file, region, watch);
        watch.on(Event::BlobEnded { digest });
        result
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    results.into_iter().collect::<Result<()>>()?;
    let mut end = [1; END as usize];
    file.read_exact_at(&mut end, layout.bytes() - END).map_err(partial.failed("read back"))?;
    if end.iter().any(|b| *b != 0) {
        return Err(differs(partial, layout.bytes() - END));
    }
    Ok(())
}

fn same_region(partial: &Partial, file: &File, region: &Region, watch: &dyn Watch) -> Result<()> {
    if !filled::has_header(file, region) {
        return Err(differs(partial, region.start));
    }
    let progress = |bytes| filled::advance(watch, &region.digest, bytes);
    match filled::hash(file, region, &progress) {
        Ok(()) if filled::ends_in_padding(file, region) => Ok(()),
        Ok(()) => Err(differs(partial, region.extent.offset + region.extent.size)),
        Err(e) if BadContent::of(&e).is_some() => Err(differs(partial, region.extent.offset)),
        Err(e) => Err(match e.downcast() {
            Ok(stop) => stop,
            Err(e) => partial.failed("read back")(e),
        }),
    }
}

fn differs(partial: &Partial, offset: u64) -> Error {
    let text = format!("written data reads back differently at or after byte {offset}: the drive is not to be trusted");
    partial.failed("check")(io::Error::other(text))
}
