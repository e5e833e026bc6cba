//! That who has to have signed a bundle has: before anything that its `index.json` leads to is looked at.

use std::path::{Path, PathBuf};

use crate::archive::{Bundle, undivided};
use crate::error::{Error, Result, SigningStep};
use crate::signature::{RequiredKeys, beside};
use crate::store::{Event, Watch};

/// Looks at the signatures of a bundle that was opened as `path`, one of `all`.
///
/// # Errors
/// It is not signed as is required: bad content, with what is wrong. Or a file cannot be read.
pub(super) fn check_signed(
    keys: &RequiredKeys,
    path: &Path,
    all: &[PathBuf],
    bundle: &Bundle,
    watch: &dyn Watch,
) -> Result<()> {
    // What names nothing is content alone: it counts where something that is signed names it.
    if !keys.are_some() || (bundle.is_salvaged() && !bundle.names_something()) {
        return Ok(());
    }
    let at =
        |error: Error| if matches!(error, Error::Usage { .. }) { error } else { error.at(bundle.path().display()) };
    let Some(index_json) = bundle.signed_bytes()? else {
        let reason = "not signed: it is a layout of another tool, and only a bundle can be signed";
        return Err(at(Error::content(reason).advised([SigningStep::PackFirst.into()])));
    };
    for signed in keys.check(&index_json, &places(path, all, bundle)).map_err(at)? {
        watch.on(Event::Signed { path: bundle.path(), key: &signed.key, fingerprint: &signed.fingerprint });
    }
    Ok(())
}

/// Where signatures of a bundle may be: beside it, and of a volume beside the others too.
fn places(path: &Path, all: &[PathBuf], bundle: &Bundle) -> Vec<PathBuf> {
    let is_file = |path: &&Path| path.as_os_str() != "-";
    let mut places: Vec<PathBuf> = Some(path).filter(is_file).map(beside).into_iter().collect();
    if let Some(((_, count, _), number)) = bundle.volume() {
        places.extend(undivided(path, number, count).map(|whole| beside(&whole)));
        for other in all.iter().map(PathBuf::as_path).filter(is_file).map(beside) {
            if !places.contains(&other) {
                places.push(other);
            }
        }
    }
    places
}
