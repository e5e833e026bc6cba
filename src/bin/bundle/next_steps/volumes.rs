//! The words of the steps about volumes.

use std::borrow::Cow;

use oci_bundle::VolumeStep;

use super::super::text::shell_word;

/// As many files as fit into a hint.
const MOST_FILES: usize = 20;

/// One or several ways, parted by `; or `.
pub(super) fn words(step: &VolumeStep) -> Cow<'static, str> {
    let words = match step {
        VolumeStep::GiveAsFile => "give the file as it was written, not what was unpacked from it",
        VolumeStep::GiveMissing { volumes } => {
            return format!("find them, and name them too: `{}`", few_words(volumes)).into();
        }
        VolumeStep::GiveScript => "run it at a terminal; or give the work to a command with --volume-script",
        VolumeStep::ImportMissing { volumes } => {
            return format!("import what is missing, in any order: `{}`", few_words(volumes)).into();
        }
        VolumeStep::ImportTogether { volumes } => {
            return format!(
                "one layer is cut over several volumes, so import them in one command: `{}`",
                few_words(volumes)
            )
            .into();
        }
        VolumeStep::Larger { bytes } => {
            return format!("allow longer volumes, as with --volume-size {bytes}").into();
        }
        VolumeStep::MendScript => {
            "see why it failed; the same export goes on, and runs it again for this volume if it is still there"
        }
    };
    words.into()
}

/// Files as one types them; of very many the first.
fn few_words(files: &[String]) -> String {
    let words: Vec<_> = files.iter().take(MOST_FILES).map(|file| shell_word(file)).collect();
    let more = files.len().saturating_sub(MOST_FILES);
    if more == 0 { words.join(" ") } else { format!("{} and {more} more", words.join(" ")) }
}
