//! Tags at the target that stand for something else, and are to stay.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::store::{Target, Watch, side_by_side};
use crate::transfer::{ExistingTag, Image, Pushed, Status, names_another};

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
