//! `bundle verify`

use std::sync::Arc;

use clap::Args;
use oci_bundle::Kind;
use oci_bundle::verify::{Finding, Verified, Verify};
use serde_json::{Value, json};

use super::errors::Failure;
use super::input_args::InputArgs;
use super::progress::Progress;
use super::report;

/// Read every byte of a bundle and check every digest, size and reference
#[derive(Args)]
#[command(after_help = "Example:\n  bundle verify images.tar")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Also unpack every layer, to nowhere, and compare it with the image's configuration
    #[arg(long, env = "BUNDLE_DEEP")]
    deep: bool,
    /// Blobs read side by side; 1 is right for a drive that turns
    #[arg(short, long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256), env = "BUNDLE_JOBS")]
    jobs: u16,
}

impl VerifyArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let InputArgs { bundles, expect, tmpdir } = self.input;
        let mut objects = Vec::new();
        let mut errors = Vec::new();
        let mut kinds = Vec::new();
        let several = bundles.len() > 1;
        for bundle in bundles {
            let path = bundle.display().to_string();
            let (jobs, expect, tmpdir) = (usize::from(self.jobs), expect.clone(), tmpdir.clone());
            let verified = match (Verify { bundle, deep: self.deep, expect, jobs, tmpdir }).run(progress.as_ref()) {
                Ok(verified) => verified,
                // The others may be whole.
                Err(error) => {
                    let stop = matches!(error.kind(), Kind::Interrupted(_));
                    kinds.push(error.kind());
                    errors.push(error);
                    if stop { break } else { continue }
                }
            };
            kinds.extend(verified.kind());
            if progress.talk().json {
                objects.push(as_json(&path, &verified));
            } else {
                tell(progress, &path, &verified)?;
            }
        }
        if progress.talk().json && !objects.is_empty() {
            let single = objects.len() == 1 && !several;
            report::json(&if single { objects.remove(0) } else { json!({ "bundles": objects }) })?;
        }
        kinds.into_iter().reduce(Kind::graver).map_or(Ok(()), |kind| Err(Failure { errors, kind, go_on: None }))
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
    if let Some(error) = &verified.unexpected {
        report::labelled("unexpected", &error.to_string())?;
    }
    match verified.findings.len() as u64 {
        // Whatever else it is, it is not what was asked about.
        0 if verified.unexpected.is_some() => {}
        0 if verified.pinned => progress.say("matches", &format!("{}  {path}  {counts}", verified.digest)),
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
    let mut object = json!({
        "bundle": path,
        "digest": verified.digest,
        "intact": verified.findings.is_empty(),
        "images": verified.images,
        "blobs": { "count": verified.blobs, "bytes": verified.bytes, "unused": verified.unused },
        "findings": verified.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    if let Some(expected) = verified.expected {
        object["expected"] = expected.into();
    }
    object
}
