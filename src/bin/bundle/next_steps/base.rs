//! The words of the steps about bases.

use std::borrow::Cow;

use oci_bundle::BaseStep;

use super::super::text::shell_word;

/// One or several ways, parted by `; or `.
pub(super) fn words(step: &BaseStep) -> Cow<'static, str> {
    match step {
        BaseStep::ExportWholeLayers => {
            "give the old bundle as one more file; or export without `--layer-deltas`; or with a new `bundle inventory`"
        }
        BaseStep::GiveBase { images, .. } if images.is_empty() => "give the base along, as one more of the files",
        BaseStep::GiveBase { images, more } => {
            let words: Vec<Cow<'_, str>> = images.iter().map(|name| shell_word(name)).collect();
            let others = if *more { " …" } else { "" };
            return format!(
                "give the base as one more BUNDLE of this command; or fetch the images whole with `bundle export {}{others} -o FILE`",
                words.join(" ")
            )
            .into();
        }
        BaseStep::NameBase => "name the bundle or inventory that the target has already with --base FILE",
        BaseStep::WriteOneFile => {
            "leave out --volume-size: such a bundle is small; or leave out --layer-deltas"
        }
    }
    .into()
}
