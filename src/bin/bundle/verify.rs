//! `bundle verify`

use std::sync::Arc;

use clap::Args;
use oci_bundle::Kind;
use oci_bundle::verify::{Finding, Verified, Verify};

use super::ending::finish;
use super::errors::Failure;
use super::help::FINE;
use super::input_args::InputArgs;
use super::left_out::left_out_counts;
use super::progress::Progress;
use super::report::{self, Reports};
use super::report_file::ReportArgs;
use super::text::{count, numbers, size};

/// Read every byte of a bundle and check every digest, size and reference
#[derive(Args)]
#[command(override_usage = "bundle verify [OPTIONS] BUNDLE...", after_help = "Example:\n  bundle verify images.tar")]
pub(crate) struct VerifyArgs {
    /// Also unpack every layer, and compare it with the image's configuration; nothing is written
    #[arg(long, env = "BUNDLE_DEEP")]
    deep: bool,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Blobs read side by side; 1 is right for a hard disk
    #[arg(short, long, help_heading = FINE, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256), env = "BUNDLE_JOBS")]
    jobs: u16,
    #[command(flatten)]
    input: InputArgs,
}

impl VerifyArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        let InputArgs { bundles, expect, keys, tmpdir, max_spool, max_manifests } = self.input;
        let asked = bundles.len();
        let verify = Verify::new(bundles).deep(self.deep).jobs(usize::from(self.jobs)).expect(expect);
        let verify =
            verify.required_keys(keys.required()?).tmpdir(tmpdir).max_manifests(max_manifests).max_spool(max_spool);
        let (mut reports, mut errors, mut findings) = (Vec::new(), Vec::new(), None::<Kind>);
        for one in verify.run(progress.as_ref()) {
            match one {
                Ok(mut verified) => {
                    for finding in &mut verified.findings {
                        finding.hint = progress.advice().about_steps(&finding.next_steps);
                    }
                    findings = findings.into_iter().chain(verified.kind()).reduce(Kind::graver);
                    if !progress.talk().json {
                        tell(progress, &verified);
                    }
                    reports.push(verified);
                }
                Err(error) => errors.push(error),
            }
        }
        let failure = match (Failure::of(errors), findings.map(Failure::reported)) {
            (Some(failure), Some(found)) => Some(Failure { kind: failure.kind.graver(found.kind), ..failure }),
            (failure, found) => failure.or(found),
        };
        finish(Reports::of(asked, reports), failure, progress)
    }
}

fn tell(progress: &Progress, verified: &Verified) {
    for Finding { kind, images, message, hint, .. } in &verified.findings {
        let concerns = match images.as_slice() {
            [] => String::new(),
            [one] => format!(" ({one})"),
            [one, others @ ..] => format!(" ({one} and {} more)", others.len()),
        };
        report::labelled("damaged", &format!("{}: {message}{concerns}", kind.as_str()));
        if let Some(hint) = hint {
            report::labelled("", &format!("hint: {hint}"));
        }
    }
    let blobs = &verified.blobs;
    let mut counts =
        format!("{} · {} · {}", count(verified.images, "image"), count(blobs.count, "blob"), size(blobs.bytes));
    counts.push_str(&left_out_counts(&verified.left_out));
    if let Some(delta) = &verified.delta {
        if delta.deltas > 0 {
            let layers = format!("{} as what changed", count(delta.deltas, "layer"));
            counts.push_str(&match delta.rebuilt {
                Some(rebuilt) if rebuilt == delta.deltas => format!(" · {layers}, all rebuilt"),
                Some(rebuilt) => format!(" · {layers}, {rebuilt} rebuilt"),
                None => format!(" · {layers}, not rebuilt"),
            });
        }
        let rest = format!("{} · {} on a base", count(delta.in_base, "blob"), size(delta.bytes_in_base));
        let where_they_are = match delta.found {
            Some(found) if found == delta.in_base => "all of it whole in the other files".to_owned(),
            Some(found) => format!("{} of it in none of the other files", count(delta.in_base - found, "blob")),
            None => "which was not looked at".to_owned(),
        };
        if delta.in_base > 0 {
            counts.push_str(&format!(" · rests with {rest}, {where_they_are}"));
        }
    }
    if let Some(volume) = verified.volume {
        counts.push_str(&format!(" · volume {} of {}", volume.number, volume.count));
        if !verified.other_volumes.is_empty() {
            counts.push_str(&format!(" ({} not looked at)", numbers(&verified.other_volumes)));
        }
    }
    for old in &verified.old_layers {
        let layers = if old.layers == 1 { "1 layer needs".to_owned() } else { format!("{} layers need", old.layers) };
        progress.say("note", &format!("{layers} {}, which is in none of these files", old.digest));
    }
    for note in &verified.notes {
        progress.say("note", note);
    }
    if blobs.unused > 0 {
        progress.say("note", &format!("{} that no image needs", count(blobs.unused, "blob")));
    }
    if let Some(error) = verified.unexpected() {
        report::labelled("unexpected", &error.to_string());
    }
    let (path, digest) = (verified.bundle.display(), &verified.digest);
    match verified.findings.len() as u64 {
        // Whatever else it is, it is not what was asked about.
        0 if verified.unexpected().is_some() => {}
        0 if verified.pinned => progress.say("matches", &format!("{digest}  {path}  {counts}")),
        0 => progress.say("intact", &format!("{path}  {counts}  bundle {digest}")),
        n => report::labelled("bad", &format!("{path}  {counts}  {}", count(n, "finding"))),
    }
}
