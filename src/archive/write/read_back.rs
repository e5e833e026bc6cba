//! Reads a finished file back from the drive itself: a fake or failing drive shows here, and nowhere
//! before. Everything is written before anything is read back, since fake drives wrap around.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::archive::file_system;
use crate::archive::format::header::END;
use crate::archive::format::layout::{Layout, Region};
use super::output::Output;
use super::{resume, standing};
use crate::error::{Error, Result};
use crate::oci::BadContent;
use crate::store::{Event, Watch, side_by_side};

/// Compares every byte of the partial file, which was synced, with what was meant.
///
/// # Errors
/// At the first byte range, front to back, that is something else or cannot be read.
pub(crate) fn read_back(output: &Output, layout: &Layout, jobs: usize, watch: &dyn Watch) -> Result<()> {
    file_system::drop_cache(&output.file).map_err(output.in_partial("read back"))?;
    let file = output.directory.open_existing(&output.partial).map_err(output.in_partial("read back"))?;
    let same = |file: &File| file_system::same_file(file, &output.file);
    let file = file.map(|file| same(&file).map(|same| same.then_some(file)));
    let file = file.transpose().map_err(output.in_partial("read back"))?.flatten();
    let Some(file) = file else {
        return Err(output.in_partial("read back")(io::Error::other("another file is in its place")));
    };
    if !resume::begins_with(&file, layout.head()) {
        return Err(differs(output, 0));
    }
    let regions: Vec<&Region> = layout.regions().iter().collect();
    let bytes = regions.iter().map(|r| r.place.size).sum();
    watch.on(Event::Phase { name: "reading back", items: regions.len() as u64, bytes });
    let results = side_by_side(regions, jobs, |region| {
        let digest = &region.digest;
        watch.on(Event::BlobStarted { digest, size: region.place.size });
        let result = same_region(output, &file, region, watch);
        watch.on(Event::BlobEnded { digest });
        result
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    results.into_iter().collect::<Result<()>>()?;
    let mut end = [1; END as usize];
    file.read_exact_at(&mut end, layout.len() - END).map_err(output.in_partial("read back"))?;
    if end.iter().any(|b| *b != 0) {
        return Err(differs(output, layout.len() - END));
    }
    Ok(())
}

fn same_region(output: &Output, file: &File, region: &Region, watch: &dyn Watch) -> Result<()> {
    if !standing::has_header(file, region) {
        return Err(differs(output, region.start));
    }
    let progress = |bytes| resume::advance(watch, &region.digest, bytes);
    match standing::hash(file, region, &progress) {
        Ok(()) if standing::ends_in_padding(file, region) => Ok(()),
        Ok(()) => Err(differs(output, region.place.offset + region.place.size)),
        Err(e) if BadContent::of(&e).is_some() => Err(differs(output, region.place.offset)),
        Err(e) => Err(match e.downcast() {
            Ok(stop) => stop,
            Err(e) => output.in_partial("read back")(e),
        }),
    }
}

fn differs(output: &Output, offset: u64) -> Error {
    let text = format!("written data reads back differently at or after byte {offset}: the drive is not to be trusted");
    output.in_partial("check")(io::Error::other(text))
}
