//! `bundle export`

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use oci_bundle::Error;
use oci_bundle::export::{Export, Exported};
use oci_bundle::oci::Reference;
use oci_bundle::plan::ReferrerPolicy;
use serde_json::{Value, json};

use super::errors::Failure;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report;

/// Pull images, with all their platforms, into one bundle
#[derive(Args)]
#[command(
    after_help = "Example:\n  bundle export gcr.io/google-containers/pause:latest quay.io/org/app:1.4 -o images.tar"
)]
pub(crate) struct ExportArgs {
    // Not a doc comment: rustdoc would take the brackets for a link.
    #[arg(value_name = "IMAGE", required = true, help = "The images: NAME[:TAG][@DIGEST], as docker understands them")]
    images: Vec<String>,
    /// The bundle to write
    #[arg(short, long, value_name = "FILE", required_unless_present = "dry_run", env = "BUNDLE_OUTPUT")]
    output: Option<PathBuf>,
    /// Replace an existing bundle once the new one is complete
    #[arg(long, env = "BUNDLE_FORCE")]
    force: bool,
    /// Read everything back from the drive, and compare, before the bundle gets its name
    #[arg(long, env = "BUNDLE_READ_BACK")]
    read_back: bool,
    /// Fetch layers that a registry does not have from the `urls` in their descriptors
    #[arg(long, env = "BUNDLE_INCLUDE_NON_DISTRIBUTABLE_LAYERS")]
    include_non_distributable_layers: bool,
    /// Whether signatures and all else that refers to the images come along; `require` refuses images
    /// without any
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", env = "BUNDLE_REFERRERS")]
    referrers: Referrers,
    /// Resolve and plan, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Referrers {
    Auto,
    Require,
    None,
}

impl ExportArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let mut hosts: Vec<String> = Vec::new();
        for image in &self.images {
            let reference: Reference =
                image.parse().map_err(|e: oci_bundle::oci::Invalid| Error::usage(e.to_string()))?;
            hosts.push(reference.repository.host().into());
        }
        hosts.sort();
        hosts.dedup();
        let export = Export {
            images: self.images,
            output: self.output.unwrap_or_default(),
            force: self.force,
            include_non_distributable_layers: self.include_non_distributable_layers,
            dry_run: self.dry_run,
            read_back: self.read_back,
            referrers: match self.referrers {
                Referrers::Auto => ReferrerPolicy::Auto,
                Referrers::Require => ReferrerPolicy::Require,
                Referrers::None => ReferrerPolicy::None,
            },
            registry: self.registry.options(&hosts, None)?,
        };
        let read_back = export.read_back;
        let exported = export.run(progress.clone())?;
        if progress.talk().json {
            report::json(&as_json(&exported))?;
            return Ok(());
        }
        for (digest, size) in &exported.absent {
            progress.say(
                "left out",
                &format!("{digest}  {}, non-distributable and not in the registry", report::size(*size)),
            );
        }
        if let Some(written) = &exported.written {
            let path = written.path.display();
            let safe = match (written.synced, read_back) {
                (true, false) => "synced to disk",
                (true, true) => "synced to disk and read back",
                (false, false) => "not confirmed by the drive",
                (false, true) => "read back",
            };
            progress
                .say("wrote", &format!("{path}  {}  bundle {}  ({safe})", report::size(written.len), written.digest));
            progress.say("next", &format!("bundle import {path} --registry HOST --expect {}", written.digest));
        }
        Ok(())
    }
}

fn as_json(exported: &Exported) -> Value {
    let status = if exported.written.is_some() { "exported" } else { "planned" };
    let image = |image: &oci_bundle::export::ExportedImage| {
        json!({
            "name": image.name,
            "digest": image.digest,
            "mediaType": image.media_type,
            "platforms": image.platforms.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "referrers": image.referrers.iter().map(report::referrer).collect::<Vec<_>>(),
            "status": status,
        })
    };
    let totals = exported.totals;
    let mut object = json!({
        "images": exported.images.iter().map(image).collect::<Vec<_>>(),
        "blobs": { "count": totals.blobs, "bytes": totals.bytes, "fetched": exported.fetched, "resumed": exported.resumed },
    });
    if let Some(written) = &exported.written {
        object["bundle"] = written.path.display().to_string().into();
        object["digest"] = written.digest.as_str().into();
        object["bytes"] = written.len.into();
    }
    object
}
