//! `bundle list`

mod csv;
mod details;
mod table;
mod tree;
mod words;

use std::sync::Arc;

use clap::Args;
use oci_bundle::Kind;
use oci_bundle::list::{List, Listed};
use oci_bundle::page::Page;

use super::ending::finish;
use super::errors::Failure;
use super::format::Format;
use super::input_args::InputArgs;
use super::progress::Progress;
use super::report::{self, Reports};

/// Show what a bundle holds: images, digests, platforms, sizes
#[derive(Args)]
#[command(
    override_usage = "bundle list [OPTIONS] BUNDLE...",
    after_help = "Example:\n  bundle list images.tar --tree\n  bundle list images.tar --format html > images.html\n\nThe page is one file that needs no other: a packing slip to lay beside the drive, on paper or on a screen."
)]
pub(crate) struct ListArgs {
    /// Whole digests: a line for every platform, signature, SBOM and other document about an image
    #[arg(long)]
    digests: bool,
    /// What each image consists of: platforms, layers and who shares them, signatures
    #[arg(long)]
    tree: bool,
    #[command(flatten)]
    input: InputArgs,
}

impl ListArgs {
    pub(crate) fn run(self, format: Format, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        let InputArgs { bundles, expect, keys, tmpdir, max_spool, max_manifests } = self.input;
        let mut listed = Vec::new();
        let (mut errors, mut damage) = (Vec::new(), None::<Kind>);
        let list = List::new(bundles).expect(expect).required_keys(keys.required()?).tmpdir(tmpdir);
        let list = list.max_manifests(max_manifests).max_spool(max_spool);
        let found = list.run(progress.as_ref());
        let all = found.len();
        for one in found {
            match one {
                Ok(mut one) => {
                    damage = damage.into_iter().chain(one.kind()).reduce(Kind::graver);
                    for damaged in &mut one.damaged {
                        damaged.error.hint = progress.advice().about(damaged.error.error());
                    }
                    listed.push(one);
                }
                Err(error) => errors.push(error),
            }
        }
        match format {
            // Printed with how it ended.
            Format::Json => {}
            Format::Csv if !listed.is_empty() => report::document(&csv::rows(&listed)),
            Format::Html if !listed.is_empty() => report::document(&Page::new(&listed).html()),
            Format::Csv | Format::Html => {}
            Format::Text => listed.iter().for_each(|one| report::lines(&text(one, self.tree, self.digests))),
        }
        let failure = match (Failure::of(errors), damage.map(Failure::reported)) {
            (Some(failure), Some(found)) => Some(Failure { kind: failure.kind.graver(found.kind), ..failure }),
            (failure, found) => failure.or(found),
        };
        finish(Reports::of(all, listed), failure, progress)
    }
}

/// One bundle, for a person.
fn text(listed: &Listed, tree: bool, digests: bool) -> Vec<String> {
    let mut lines = match (tree, digests) {
        (true, _) => tree::lines(listed, digests),
        (false, true) => details::lines(listed),
        (false, false) => table::lines(listed),
    };
    lines.extend(words::below(listed, digests));
    lines
}
