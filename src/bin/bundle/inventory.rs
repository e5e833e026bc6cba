//! `bundle inventory`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use oci_bundle::inventory::{Inventoried, Inventory};

use super::errors::Failure;
use super::input_args::InputArgs;
use super::progress::Progress;
use super::report;
use super::text::{count, shell_word, size};

/// Write down what is there, as a small file to carry back: a base and a list for `export`
#[derive(Args)]
#[command(
    override_usage = "bundle inventory -o FILE [OPTIONS] BUNDLE...",
    after_help = "Example:\n  bundle inventory damaged.tar -o inventory.json\n  \
bundle export -f inventory.json --base inventory.json -o patch.tar\n  \
bundle import damaged.tar patch.tar --registry 172.18.0.20"
)]
pub(crate) struct InventoryArgs {
    /// The file to write
    #[arg(short, long, value_name = "FILE", env = "BUNDLE_OUTPUT")]
    output: PathBuf,
    /// Replace an existing file
    #[arg(long, env = "BUNDLE_FORCE")]
    force: bool,
    #[command(flatten)]
    input: InputArgs,
}

impl InventoryArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        let InputArgs { bundles, expect, tmpdir, max_spool, max_manifests } = self.input;
        let inventory = Inventory::of_files(bundles, self.output).force(self.force).expect(expect);
        let inventory = inventory.tmpdir(tmpdir).max_spool(max_spool).max_manifests(max_manifests);
        let inventoried = inventory.run(progress.clone())?;
        if progress.talk().json {
            report::json(Some(&inventoried), None::<()>);
        } else {
            tell(progress, &inventoried);
        }
        Ok(())
    }
}

fn tell(progress: &Progress, inventoried: &Inventoried) {
    for damaged in &inventoried.damaged {
        let digest = damaged.digest.as_ref().map(|digest| format!("{digest}: ")).unwrap_or_default();
        progress.say("damaged", &format!("{digest}{}", damaged.message));
    }
    for absent in &inventoried.absent {
        progress.say("absent", absent);
    }
    let Inventoried { inventory, source, images, held, bytes, .. } = inventoried;
    let (images, held, bytes) = (count(*images, "image"), count(*held, "digest"), size(*bytes));
    let word = if *source == "files" { "every byte was read" } else { "by the registry's word" };
    progress.say("wrote", &format!("{}  {images} · {held} · {bytes}  ({word})", inventory.display()));
    let path = inventory.display().to_string();
    let path = shell_word(&path);
    progress.say("next", &format!("bundle export -f {path} --base {path} -o patch.tar"));
}
