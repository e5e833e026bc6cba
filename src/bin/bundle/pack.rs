//! `bundle pack`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use oci_bundle::export::Platforms;
use oci_bundle::pack::{NamePattern, Pack};

use super::errors::Failure;
use super::export::{refuse_output, tell};
use super::help::FINE;
use super::import::called;
use super::input_args::InputArgs;
use super::progress::Progress;
use super::report;
use super::report_file::ReportArgs;
use super::volumes::VolumeArgs;

/// Make one bundle out of others, without a network: merge, take some images, complete a delta
#[derive(Args)]
#[command(
    override_usage = "bundle pack -o FILE [OPTIONS] BUNDLE...",
    after_help = "Example:\n  bundle pack base.tar delta.tar -o images.tar\n\nThe bundle is the same, byte for byte, as \
one export of these images gives."
)]
pub(crate) struct PackArgs {
    /// The bundle to write
    #[arg(short, long, value_name = "FILE", required_unless_present = "dry_run", env = "BUNDLE_OUTPUT")]
    output: Option<PathBuf>,
    /// Take only the images of this name, with their signatures and SBOMs; `*` stands for any characters (repeatable)
    #[arg(long, value_name = "NAME", env = "BUNDLE_ONLY", value_delimiter = ',')]
    only: Vec<NamePattern>,
    /// The repository of images that have only a tag in a layout of another tool, or the whole name of the
    /// only image
    #[arg(long, value_name = "REPO[:TAG]", env = "BUNDLE_NAME")]
    name: Option<String>,
    /// Add the list that `docker load` and `podman load` need: for this platform, with new digests
    #[arg(long, value_name = "PLATFORM", env = "BUNDLE_DOCKER_LOAD")]
    docker_load: Option<Platforms>,
    /// Replace an existing bundle once the new one is complete
    #[arg(long, env = "BUNDLE_FORCE")]
    force: bool,
    /// Read everything back from the drive, and compare, before the bundle gets its name
    #[arg(long, env = "BUNDLE_READ_BACK")]
    read_back: bool,
    #[command(flatten)]
    volumes: VolumeArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Plan, look at the file and the room for it, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Blobs that are copied side by side
    #[arg(short, long, help_heading = FINE, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256), env = "BUNDLE_JOBS")]
    jobs: u16,
    #[command(flatten)]
    input: InputArgs,
}

impl PackArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.output.as_deref().map_or(Ok(()), refuse_output)?;
        self.input.check(progress)?;
        self.volumes.check()?;
        let InputArgs { bundles, expect, keys, tmpdir, max_spool, max_manifests } = self.input;
        let pack = Pack::new(bundles, self.output.unwrap_or_default());
        let pack = pack
            .expect(expect)
            .required_keys(keys.required()?)
            .tmpdir(tmpdir)
            .max_spool(max_spool)
            .max_manifests(max_manifests);
        let pack = pack.only(self.only).name(self.name.as_deref().map(called).transpose()?).force(self.force);
        let pack = pack.read_back(self.read_back).dry_run(self.dry_run).jobs(usize::from(self.jobs));
        let pack = pack.volume_size(self.volumes.volume_size).docker_load(self.docker_load);
        let pack = match self.volumes.taker(progress) {
            Some(take) => pack.hand_on(take),
            None => pack,
        };
        let packed = pack.run(progress.as_ref())?;
        report::ended(progress.talk().json, Some(&packed), None::<()>);
        if !progress.talk().json {
            tell(progress, &packed, self.read_back);
            if self.dry_run {
                progress.answer("dry run", "nothing was written");
            }
        }
        Ok(())
    }
}
