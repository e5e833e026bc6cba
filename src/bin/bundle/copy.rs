//! `bundle copy`

use std::sync::Arc;

use clap::{Args, Command};
use oci_bundle::Kind;
use oci_bundle::copy::{Copied, Copy};

use super::arrived::{self, Arrived, Seen};
use super::errors::Failure;
use super::image_args::ImageArgs;
use super::plan_args::PlanArgs;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report_file::ReportArgs;
use super::side_args::{Side, SourceSide};
use super::target_args::TargetArgs;

/// Copy images, with all their platforms, from registries straight into another one
#[derive(Args)]
#[command(
    override_usage = "bundle copy --registry HOST[:PORT][/NS] [OPTIONS] IMAGE...",
    after_help = "Example:\n  bundle copy gcr.io/google-containers/pause:latest --registry 172.18.0.20\n\nThe registry then holds what an export and an import would have brought there, under the same names. Nothing is written to a disk: content streams from one registry to the other.\n\nLogins and certificates are given for each side: --src-username is for the registries that the images come from, --username (or --dest-username) for the one that they go to."
)]
pub(crate) struct CopyArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    images: ImageArgs,
    #[command(flatten)]
    access: RegistryArgs,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten, next_help_heading = "Access to where images come from")]
    source: SourceSide,
}

/// The flags of the target's side by their other names.
const DEST: [&str; 8] = [
    "dest-authfile",
    "dest-username",
    "dest-password-stdin",
    "dest-ca-file",
    "dest-cert",
    "dest-key",
    "dest-plain-http",
    "dest-insecure-skip-tls-verify",
];

impl CopyArgs {
    /// Flags without a prefix are the target's, which may be said with one too.
    pub(crate) fn with_two_sides(command: Command) -> Command {
        let twins = DEST.iter().map(|twin| (&twin["dest-".len()..], *twin));
        twins.fold(command, |command, (id, twin)| command.mut_arg(id, |arg| arg.visible_alias(twin)))
    }

    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let (host, namespace) = self.target.naming.place("copy to", |_| None)?;
        let source = Side::from(self.source);
        self.access.check_one_password(&source)?;
        source.check_stdin("a list", self.images.files())?;
        let images = self.images.selection(&self.plan, &self.access, progress)?;
        let hosts = images.hosts();
        let mut copy = Copy::new(images, host.clone())
            .layer_urls(self.plan.include_non_distributable_layers)
            .max_manifests(self.plan.max_manifests)
            .platforms(self.plan.platforms())
            .referrers(self.plan.referrers.into())
            .all_mappings_count(self.target.naming.all_mappings_count())
            .mappings(self.target.naming.map)
            .check(self.target.check.into())
            .existing_tag(self.target.on_existing_tag.into())
            .single_platform(self.target.single_platform)
            .dry_run(self.target.dry_run)
            .source(self.access.options_of(&source, &hosts, None)?)
            .registry(self.access.options(&[host], None)?);
        if let Some(namespace) = namespace {
            copy = copy.namespace(namespace);
        }
        arrived::finish(copy.run(progress.clone())?, self.target.dry_run, progress)
    }
}

impl Arrived for Copied {
    fn seen(&self) -> Seen<'_> {
        let Self { images, blobs, left_out, read_back, .. } = self;
        Seen { images, blobs, left_out, read_back: read_back.as_ref(), missing_volumes: &[] }
    }

    fn kind(&self) -> Option<Kind> {
        self.kind()
    }

    fn failures(&mut self) -> Vec<&mut oci_bundle::report::Failure> {
        self.failures().collect()
    }
}
