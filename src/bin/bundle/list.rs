//! `bundle list`

use std::sync::Arc;

use clap::Args;
use oci_bundle::Kind;
use oci_bundle::list::{List, Listed, ListedImage, ListedPlatform, OtherPlatform};
use oci_bundle::report::{DeltaReport, ReferrerReport};

use super::ending::finish;
use super::errors::Failure;
use super::input_args::InputArgs;
use super::left_out::{OTHER_PLATFORM, left_out_platforms};
use super::progress::Progress;
use super::report::{self, Reports};
use super::text::{count, numbers, size};

/// Show what a bundle holds: images, digests, platforms, sizes
#[derive(Args)]
#[command(
    override_usage = "bundle list [OPTIONS] BUNDLE...",
    after_help = "Example:\n  bundle list images.tar --digests"
)]
pub(crate) struct ListArgs {
    /// A line for every platform, with its digest
    #[arg(long)]
    digests: bool,
    #[command(flatten)]
    input: InputArgs,
}

impl ListArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        let InputArgs { bundles, expect, tmpdir, max_spool, max_manifests } = self.input;
        let asked = bundles.len();
        let mut listed = Vec::new();
        let (mut errors, mut damage) = (Vec::new(), None::<Kind>);
        let list = List::new(bundles).expect(expect).tmpdir(tmpdir).max_manifests(max_manifests).max_spool(max_spool);
        for one in list.run(progress.as_ref()) {
            match one {
                Ok(mut one) => {
                    damage = damage.into_iter().chain(one.kind()).reduce(Kind::graver);
                    for damaged in &mut one.damaged {
                        damaged.error.hint = progress.advice().about(damaged.error.error());
                    }
                    if progress.talk().json {
                        listed.push(one);
                    } else {
                        tell(&one, self.digests);
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        let failure = match (Failure::of(errors), damage.map(Failure::reported)) {
            (Some(failure), Some(found)) => Some(Failure { kind: failure.kind.graver(found.kind), ..failure }),
            (failure, found) => failure.or(found),
        };
        finish(Reports::of(asked, listed), failure, progress)
    }
}

fn tell(listed: &Listed, digests: bool) {
    let mut lines = Vec::new();
    for image in &listed.images {
        let name = match (&image.name, &image.tag) {
            (Some(name), _) => name.clone(),
            (None, Some(tag)) => format!("{tag}  (a tag; import it with --name REPO)"),
            (None, None) => "(no name)".into(),
        };
        lines.push(name);
        lines.push(format!("  {}  {}", image.digest, sizes(image)));
        if digests {
            for platform in &image.platforms {
                let ListedPlatform { digest, bytes, .. } = platform;
                lines.push(format!("  {:<16} {digest}  {}", named(platform), size(*bytes)));
            }
            for OtherPlatform { platform, digest, .. } in &image.other_platforms {
                lines.push(format!("  {:<16} {digest}  left out", platform.as_deref().unwrap_or("-")));
            }
        } else if image.platforms.iter().any(|p| p.platform.is_some()) {
            let platforms: Vec<_> = image.platforms.iter().map(named).collect();
            let mut line = format!("  {}", platforms.join(", "));
            let others: Vec<&str> = image.other_platforms.iter().filter_map(|one| one.platform.as_deref()).collect();
            if !others.is_empty() {
                line.push_str(&format!("; left out: {}", others.join(", ")));
            }
            lines.push(line);
        }
        match image.volumes.as_slice() {
            [] => {}
            [one] => lines.push(format!("  in volume {one}")),
            several => lines.push(format!("  in volumes {}", numbers(several))),
        }
        match &image.referrers {
            Some(referrers) => tell_referrers(referrers, digests, &mut lines),
            None => lines.push("  referrers: those of the same digest above".into()),
        }
    }
    if let Some(DeltaReport { carried, bytes_carried, in_base, bytes_in_base, .. }) = listed.delta {
        let (carried, in_base) = (count(carried, "blob"), count(in_base, "blob"));
        let (bytes, rest) = (size(bytes_carried), size(bytes_in_base));
        lines.push(format!("delta     carries {carried}, {bytes}; leaves out {in_base}, {rest}, that a base has"));
    }
    let not_platforms = listed.left_out.iter().filter(|one| one.reason != OTHER_PLATFORM);
    for left_out in not_platforms.filter(|one| digests || one.is_for_good()) {
        lines.push(format!("left out  {}  {}, {}", left_out.digest, size(left_out.bytes), left_out.reason));
    }
    lines.extend(left_out_platforms(&listed.left_out).map(|platforms| format!("left out  {platforms}")));
    for damaged in &listed.damaged {
        lines.push(format!("damaged   {}", damaged.error.message));
        lines.extend(damaged.error.hint.iter().map(|hint| format!("          hint: {hint}")));
    }
    let images = count(listed.images.len() as u64, "image");
    let (path, bytes) = (listed.bundle.display(), size(listed.bytes));
    let volume = match listed.volume {
        Some(volume) => format!("  volume {} of {}", volume.number, volume.count),
        None => String::new(),
    };
    lines.push(format!("{images}  {path}  {bytes}{volume}  bundle {}", listed.digest));
    report::lines(&lines);
}

fn sizes(image: &ListedImage) -> String {
    let mut text = size(image.bytes);
    if image.shared_bytes > 0 {
        text.push_str(&format!(", {} of it shared", size(image.shared_bytes)));
    }
    if image.missing > 0 {
        text.push_str(&format!(", incomplete: {} missing", count(image.missing, "piece")));
    }
    text
}

fn tell_referrers(referrers: &[ReferrerReport], digests: bool, lines: &mut Vec<String>) {
    let kind = |referrer: &ReferrerReport| referrer.artifact_type.clone().unwrap_or_else(|| "-".into());
    if digests {
        for referrer in referrers {
            let ReferrerReport { digest, subject, bytes, .. } = referrer;
            let (kind, size) = (kind(referrer), size(*bytes));
            lines.push(format!("  {:<16} {digest}  {size}, {kind}, refers to {}", "referrer", subject.short()));
        }
    } else if !referrers.is_empty() {
        let mut kinds: Vec<String> = referrers.iter().map(kind).collect();
        kinds.sort();
        kinds.dedup();
        lines.push(format!("  {}: {}", count(referrers.len() as u64, "referrer"), kinds.join(", ")));
    }
}

fn named(platform: &ListedPlatform) -> String {
    platform.platform.clone().unwrap_or_else(|| "-".into())
}
