//! `bundle verify`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use oci_bundle::verify::{Finding, Verified, Verify};
use serde_json::{Value, json};

use super::errors::Failure;
use super::progress::Progress;
use super::report;

/// Read every byte of a bundle and check every digest, size and reference
#[derive(Args)]
#[command(after_help = "Example:\n  bundle verify images.tar")]
pub(crate) struct VerifyArgs {
    /// The bundle
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// Blobs read side by side; 1 is right for a drive that turns
    #[arg(short, long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256), env = "BUNDLE_JOBS")]
    jobs: u16,
}

impl VerifyArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let path = self.bundle.display().to_string();
        let verified = Verify { bundle: self.bundle, jobs: usize::from(self.jobs) }.run(progress.as_ref())?;
        if progress.talk().json {
            report::json(&as_json(&path, &verified))?;
        } else {
            tell(progress, &path, &verified)?;
        }
        verified.kind().map_or(Ok(()), |kind| Err(Failure::reported(kind)))
    }
}

fn tell(progress: &Progress, path: &str, verified: &Verified) -> oci_bundle::Result<()> {
    for Finding { kind, images, message, .. } in &verified.findings {
        let concerns = match images.as_slice() {
            [] => String::new(),
            [one] => format!(" ({one})"),
            [one, others @ ..] => format!(" ({one} and {} more)", others.len()),
        };
        report::labelled("damaged", &format!("{}: {message}{concerns}", kind.as_str()))?;
    }
    let counts = format!(
        "{} · {} · {}",
        report::count(verified.images, "image"),
        report::count(verified.blobs, "blob"),
        report::size(verified.bytes)
    );
    if verified.unused > 0 {
        progress.say("note", &format!("{} that no image needs", report::count(verified.unused, "blob")));
    }
    match verified.findings.len() as u64 {
        0 => progress.say("intact", &format!("{path}  {counts}  bundle {}", verified.digest)),
        n => report::labelled("bad", &format!("{path}  {counts}  {}", report::count(n, "finding")))?,
    }
    Ok(())
}

fn as_json(path: &str, verified: &Verified) -> Value {
    let finding = |f: &Finding| {
        json!({
            "kind": f.kind.as_str(),
            "digest": f.digest,
            "path": format!("blobs/{}/{}", f.digest.algorithm().as_str(), f.digest.hex()),
            "images": f.images,
            "message": f.message,
        })
    };
    json!({
        "bundle": path,
        "digest": verified.digest,
        "intact": verified.findings.is_empty(),
        "images": verified.images,
        "blobs": { "count": verified.blobs, "bytes": verified.bytes, "unused": verified.unused },
        "findings": verified.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
