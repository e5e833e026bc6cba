//! `bundle export`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use oci_bundle::export::{Export, Exported};
use oci_bundle::report::LeftOut;
use oci_bundle::{Error, NextStep, Result};

use super::errors::Failure;
use super::image_args::ImageArgs;
use super::left_out::{OTHER_PLATFORM, left_out_platforms};
use super::plan_args::PlanArgs;
use super::progress::Progress;
use super::prompt;
use super::registry_args::RegistryArgs;
use super::report;
use super::text::{count, shell_word, size};
use super::volumes::{hand_on, volume_size};

/// Pull images, with all their platforms, into one bundle
#[derive(Args)]
#[command(
    after_help = "Example:\n  bundle export gcr.io/google-containers/pause:latest quay.io/org/app:1.4 -o images.tar"
)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    images: ImageArgs,
    /// The bundle to write
    #[arg(short, long, value_name = "FILE", required_unless_present = "dry_run", env = "BUNDLE_OUTPUT")]
    output: Option<PathBuf>,
    /// Replace an existing bundle once the new one is complete
    #[arg(long, env = "BUNDLE_FORCE")]
    force: bool,
    /// Read everything back from the drive, and compare, before the bundle gets its name
    #[arg(long, env = "BUNDLE_READ_BACK")]
    read_back: bool,
    /// Divide the bundle into files of at most this size, FILE-1of3.tar and so on: as in 4GiB, or fat32, cd, dvd, bd
    #[arg(long, value_name = "SIZE", value_parser = volume_size, env = "BUNDLE_VOLUME_SIZE")]
    volume_size: Option<u64>,
    /// Run this command (by sh) when a volume is finished, with its path in BUNDLE_VOLUME: it may move it away
    #[arg(long, value_name = "COMMAND", requires = "volume_size", env = "BUNDLE_VOLUME_SCRIPT")]
    volume_script: Option<String>,
    /// Wait at the terminal when a volume is finished, so that the drive can be changed
    #[arg(long, requires = "volume_size")]
    pause: bool,
    #[command(flatten)]
    plan: PlanArgs,
    /// Resolve and plan, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

impl ExportArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.output.as_deref().map_or(Ok(()), refuse_output)?;
        let selection = self.images.selection(&self.registry, progress)?;
        let hosts = selection.hosts();
        if self.pause && !prompt::is_possible() {
            let instead = "run it at a terminal, or use --volume-script";
            return Err(Failure::usage("--pause: nobody is there to ask", instead));
        }
        let mut export = Export::new(selection, self.output.unwrap_or_default())
            .force(self.force)
            .layer_urls(self.plan.include_non_distributable_layers)
            .dry_run(self.dry_run)
            .max_manifests(self.plan.max_manifests)
            .platforms(self.plan.platform.into_iter().collect())
            .read_back(self.read_back)
            .referrers(self.plan.referrers.into())
            .volume_size(self.volume_size)
            .registry(self.registry.options(&hosts, None)?);
        if self.volume_script.is_some() || self.pause {
            let (progress, script, pause) = (progress.clone(), self.volume_script, self.pause);
            export = export.hand_on(move |volume| hand_on(&progress, script.as_deref(), pause, volume));
        }
        let exported = export.run(progress.clone())?;
        if progress.talk().json {
            report::json(Some(&exported), None::<()>);
        } else {
            tell(progress, &exported, self.read_back);
            if self.dry_run {
                progress.answer("dry run", "nothing was written");
            }
        }
        Ok(())
    }
}

/// A bundle is written in place, and needs the name of a file.
fn refuse_output(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    if path.as_os_str() == "-" {
        let message = "-: a bundle cannot be written to standard output, since it is filled in place";
        let next = Some(NextStep::NameFileForOutput);
        return Err(Error::Usage { message: message.into(), next }.into());
    }
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") && !path.is_dir() {
        let message = format!("{shown}: no such directory");
        let next = Some(NextStep::MakeDirectory { directory: path.into() });
        return Err(Error::Usage { message, next }.into());
    }
    Ok(())
}

fn tell(progress: &Progress, exported: &Exported, read_back: bool) {
    for LeftOut { digest, bytes, .. } in exported.left_out.iter().filter(|one| one.reason != OTHER_PLATFORM) {
        let text = format!("{digest}  {}, non-distributable and not in the registry", size(*bytes));
        progress.say("left out", &text);
    }
    if let Some(platforms) = left_out_platforms(&exported.left_out) {
        progress.say("left out", &platforms);
    }
    if let (Some(digest), [first, ..]) = (&exported.digest, exported.volumes.as_slice()) {
        let bytes = exported.volumes.iter().map(|volume| volume.bytes).sum();
        let volumes = count(u64::from(first.count), "volume");
        progress.say("wrote", &format!("{volumes}  {}  bundle {digest}", size(bytes)));
        let paths = exported.volumes.iter().map(|volume| volume.bundle.display().to_string());
        let files: Vec<String> = paths.map(|path| shell_word(&path).into_owned()).collect();
        progress.say("next", &format!("bundle import {} --registry HOST --expect {digest}", files.join(" ")));
        return;
    }
    for volume in &exported.volumes {
        let (path, bytes) = (volume.bundle.display(), size(volume.bytes));
        progress.say("volume", &format!("{} of {}  {path}  {bytes}", volume.number, volume.count));
    }
    let (Some(path), Some(digest), Some(bytes)) = (&exported.bundle, &exported.digest, exported.bytes) else {
        return;
    };
    let path = path.display();
    let safe = match (exported.synced, read_back) {
        (true, false) => "synced to disk",
        (true, true) => "synced to disk and read back",
        (false, false) => "not confirmed by the drive",
        (false, true) => "read back",
    };
    progress.say("wrote", &format!("{path}  {}  bundle {digest}  ({safe})", size(bytes)));
    progress.say("next", &format!("bundle import {} --registry HOST --expect {digest}", shell_word(&path.to_string())));
}
