//! What a site does not want: images from elsewhere or whose tag stands for another, and anything on trust.

use std::sync::Arc;

use crate::archive::Expectation;
use crate::error::{Error, NextStep, Result};
use crate::oci::Digest;
use crate::plan::SourcePrefix;
use crate::registry::{PlainHttp, RegistryOptions};
use crate::store::{Target, Watch, side_by_side};
use crate::transfer::{ExistingTag, Image, Pushed, Status, names_another};

/// As many images as one message names.
const MOST_NAMED: usize = 20;

/// That all images come from where they may; from anywhere, if no source is named.
///
/// # Errors
/// Those that do not.
pub(super) fn check_sources(images: &[Image], allowed: &[SourcePrefix]) -> Result<()> {
    let is_allowed = |image: &&Image| allowed.iter().any(|prefix| prefix.covers(&image.name.repository));
    let others: Vec<String> = images.iter().filter(|image| !is_allowed(image)).map(|image| image.name.name()).collect();
    if allowed.is_empty() || others.is_empty() {
        return Ok(());
    }
    let named = others[..others.len().min(MOST_NAMED)].join(", ");
    let more = match others.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let from = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::refused(format!("not from an allowed source ({from}): {named}{more}"), NextStep::AllowSource))
}

/// That something is pinned; no registry is spoken to in clear that nobody named, and no file with credentials is
/// taken that others can change.
///
/// # Errors
/// What the command line lacks, or has too much.
pub(super) fn be_strict(expect: &[Expectation], registry: &mut RegistryOptions) -> Result<()> {
    if expect.is_empty() {
        let message = "strict: nothing is imported that is not pinned".into();
        return Err(Error::Usage { message, next: Some(NextStep::Pin) });
    }
    registry.strict_credential_files = true;
    registry.plain_http = match std::mem::take(&mut registry.plain_http) {
        PlainHttp::None => PlainHttp::Only(Vec::new()),
        PlainHttp::Hosts(hosts) | PlainHttp::Only(hosts) => PlainHttp::Only(hosts),
        PlainHttp::All => {
            let message = "strict: no registry is spoken to without TLS unless it is named".into();
            return Err(Error::Usage { message, next: Some(NextStep::NamePlainHttpHost) });
        }
    };
    Ok(())
}

/// The images that are to be brought over, and the lines of those that are not, since their tag stands for another
/// one at the target. Asks for no tag that may be moved.
///
/// # Errors
/// When somebody asked to stop.
pub(super) fn respect_tags(
    images: Vec<Image>,
    target: &dyn Target,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<(Vec<Image>, Vec<Pushed>)> {
    let answers = side_by_side(images, jobs, |image| {
        let answer = match watch.stopped() {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => other_image(&image, target).map_err(|e| e.at(&image.target)),
        };
        (image, answer)
    });
    if let Some(signal) = watch.stopped() {
        return Err(Error::Interrupted { signal });
    }
    let (mut wanted, mut settled) = (Vec::new(), Vec::new());
    for (image, answer) in answers {
        match (answer, image.existing_tag) {
            (Ok(None), _) | (Ok(_), ExistingTag::Overwrite) => wanted.push(image),
            (Ok(Some(_)), ExistingTag::Skip) => settled.push(Pushed::without_error(image, Status::Skipped, watch)),
            (Ok(Some(other)), ExistingTag::Fail) => {
                let error = names_another(&image, &other).at(image.name.name());
                settled.push(Pushed::failed(image, Arc::new(error), watch));
            }
            // Nobody knows what the tag stands for, so nobody may move it.
            (Err(error), _) => settled.push(Pushed::failed(image, Arc::new(error), watch)),
        }
    }
    Ok((wanted, settled))
}

/// What the tag of an image stands for at the target, if that is another one.
fn other_image(image: &Image, target: &dyn Target) -> Result<Option<Digest>> {
    let Some(tag) = image.target.tag.as_ref().filter(|_| image.existing_tag != ExistingTag::Overwrite) else {
        return Ok(None);
    };
    let standing = target.read_back(&image.target.repository, Some(tag), &image.digest)?;
    let named = standing.map(|bytes| Digest::of(image.digest.algorithm(), &bytes));
    Ok(named.filter(|named| *named != image.digest))
}
