//! `bundle export`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use oci_bundle::export::{Export, Exported, ExportedBlobs, Platforms};
use oci_bundle::report::LeftOut;
use oci_bundle::{Error, NextStep, Result};

use super::errors::Failure;
use super::image_args::ImageArgs;
use super::key_args::private_key;
use super::left_out::{layers, left_out_platforms};
use super::plan_args::PlanArgs;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report;
use super::report_file::ReportArgs;
use super::text::{count, shell_word, size};
use super::volumes::VolumeArgs;
use super::with_self::Itself;

/// Pull images, with all their platforms, into one file: a bundle
#[derive(Args)]
#[command(
    override_usage = "bundle export -o FILE [OPTIONS] IMAGE...",
    after_help = "Example:\n  bundle export gcr.io/google-containers/pause:latest quay.io/org/app:1.4 -o images.tar"
)]
pub(crate) struct ExportArgs {
    /// The bundle to write
    #[arg(short, long, value_name = "FILE", required_unless_present = "dry_run", env = "BUNDLE_OUTPUT")]
    output: Option<PathBuf>,
    /// Leave out what this has: an earlier bundle, a layout, or an inventory; repeatable
    #[arg(long = "base", value_name = "FILE", env = "BUNDLE_BASE", value_delimiter = ',')]
    bases: Vec<PathBuf>,
    /// Carry only what changed inside layers that the base has in an older version
    #[arg(long, env = "BUNDLE_LAYER_DELTAS")]
    layer_deltas: bool,
    /// Add the list that `docker load` and `podman load` need: for this platform, with new digests
    #[arg(long, value_name = "PLATFORM", env = "BUNDLE_DOCKER_LOAD")]
    docker_load: Option<Platforms>,
    /// Replace an existing bundle once the new one is complete
    #[arg(long, env = "BUNDLE_FORCE")]
    force: bool,
    /// Write the digest of each image into this file, a list for `-f`
    #[arg(long, value_name = "FILE", env = "BUNDLE_LOCK")]
    lock: Option<PathBuf>,
    /// Read everything back from the drive, and compare, before the bundle gets its name
    #[arg(long, env = "BUNDLE_READ_BACK")]
    read_back: bool,
    /// The name that other tools see: the whole one, or only the tag
    #[arg(
        long,
        value_enum,
        value_name = "full|tag",
        hide_possible_values = true,
        default_value = "full",
        env = "BUNDLE_REF_NAME"
    )]
    ref_name: RefName,
    /// Sign with this private key, as `bundle sign` does; BUNDLE_KEY_PASSWORD opens an encrypted one
    #[arg(long, value_name = "KEY.pem", env = "BUNDLE_SIGN_KEY")]
    sign_key: Option<PathBuf>,
    /// Write this program and its checksum beside the bundle, for a site that has no other way to get it
    #[arg(long, env = "BUNDLE_WITH_SELF")]
    with_self: bool,
    #[command(flatten)]
    volumes: VolumeArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Resolve and plan, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    images: ImageArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    plan: PlanArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RefName {
    Full,
    Tag,
}

impl ExportArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.output.as_deref().map_or(Ok(()), refuse_output)?;
        self.lock.as_deref().map_or(Ok(()), refuse_output)?;
        let selection = self.images.selection(&self.plan, &self.registry, progress)?;
        let hosts = selection.hosts();
        self.volumes.check()?;
        let key = self.sign_key.as_deref().map(private_key).transpose()?;
        let itself = match self.output.as_deref().filter(|_| self.with_self && !self.dry_run) {
            Some(output) => Some(Itself::beside(output, self.force)?),
            None => None,
        };
        let mut export = Export::new(selection, self.output.unwrap_or_default())
            .bases(self.bases)
            .layer_deltas(self.layer_deltas)
            .docker_load(self.docker_load)
            .force(self.force)
            .lock(self.lock)
            .layer_urls(self.plan.include_non_distributable_layers)
            .dry_run(self.dry_run)
            .max_manifests(self.plan.max_manifests)
            .platforms(self.plan.platforms())
            .read_back(self.read_back)
            .referrers(self.plan.referrers.into())
            .short_names(self.ref_name == RefName::Tag)
            .sign(key)
            .volume_size(self.volumes.volume_size)
            .registry(self.registry.options(&hosts, None)?);
        if let Some(take) = self.volumes.taker(progress) {
            export = export.hand_on(take);
        }
        let exported = export.run(progress.clone())?;
        itself.map_or(Ok(()), |itself| itself.write(progress))?;
        report::ended(progress.talk().json, Some(&exported), None::<()>);
        if !progress.talk().json {
            tell(progress, &exported, self.read_back);
            if self.dry_run {
                for image in &exported.images {
                    progress.say("would take", &format!("{}  {}", image.name, size(image.bytes)));
                }
                progress.answer("dry run", "nothing was written");
            }
        }
        Ok(())
    }
}

/// A bundle is written in place, and needs the name of a file.
pub(crate) fn refuse_output(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    if path.as_os_str() == "-" {
        let message = "-: neither a bundle nor a lock can be written to standard output: the one is filled in place, the other comes last";
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

pub(crate) fn tell(progress: &Progress, exported: &Exported, read_back: bool) {
    for LeftOut { digest, bytes, .. } in layers(&exported.left_out) {
        let text = format!("{digest}  {}, non-distributable and not in the registry", size(*bytes));
        progress.say("left out", &text);
    }
    if let Some(platforms) = left_out_platforms(&exported.left_out) {
        progress.say("left out", &platforms);
    }
    let ExportedBlobs { count: carried, bytes, in_base, bytes_in_base, .. } = exported.blobs;
    if in_base > 0 {
        let (carried, bytes) = (count(carried, "blob"), size(bytes));
        let (in_base, saved) = (count(in_base, "blob"), size(bytes_in_base));
        progress.say("delta", &format!("{carried} · {bytes} carried, {in_base} · {saved} saved: the base has them"));
    }
    if exported.blobs.deltas > 0 {
        let ExportedBlobs { deltas, bytes_in_deltas, bytes_of_deltas, .. } = exported.blobs;
        let saved = size(bytes_of_deltas.saturating_sub(bytes_in_deltas));
        let (deltas, bytes) = (count(deltas, "layer"), size(bytes_in_deltas));
        progress.say("layers", &format!("{deltas} as what changed · {bytes} carried, {saved} saved"));
    }
    if let (Some(digest), [first, ..]) = (&exported.digest, exported.volumes.as_slice()) {
        let bytes = exported.volumes.iter().map(|volume| volume.bytes).sum();
        let volumes = count(u64::from(first.count), "volume");
        progress.say("wrote", &format!("{volumes}  {}  bundle {digest}", size(bytes)));
        let signed = exported.volumes.iter().filter(|volume| volume.signature.is_some()).count() as u64;
        if signed > 0 {
            progress.say("signed", &format!("{}, each in a file beside it: NAME.tar.sig", count(signed, "volume")));
        }
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
    if let Some(signature) = &exported.signature {
        progress.say("signed", &signature.display().to_string());
    }
    progress.say("next", &format!("bundle import {} --registry HOST --expect {digest}", shell_word(&path.to_string())));
}
