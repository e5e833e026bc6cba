//! `bundle list`

use std::sync::Arc;

use clap::Args;
use oci_bundle::list::{List, Listed, ListedImage, ListedPlatform};
use oci_bundle::store::Referrer;
use oci_bundle::{Error, Kind};
use serde_json::{Value, json};

use super::errors::Failure;
use super::input_args::InputArgs;
use super::progress::Progress;
use super::report;

/// Show what a bundle holds: images, digests, platforms, sizes
#[derive(Args)]
#[command(after_help = "Example:\n  bundle list images.tar --digests")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    input: InputArgs,
    /// A line for every platform, with its digest
    #[arg(long)]
    digests: bool,
}

impl ListArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let InputArgs { bundles, expect, tmpdir } = self.input;
        let mut objects = Vec::new();
        let mut errors = Vec::new();
        let several = bundles.len() > 1;
        for bundle in bundles {
            let path = bundle.display().to_string();
            match (List { bundle, expect: expect.clone(), tmpdir: tmpdir.clone() }).run(progress.as_ref()) {
                Ok(listed) if progress.talk().json => objects.push(as_json(&path, &listed, !expect.is_empty())),
                Ok(listed) => tell(&path, &listed, self.digests)?,
                Err(error) => errors.push(error),
            }
        }
        if !objects.is_empty() {
            report::json(&if several { json!({ "bundles": objects }) } else { objects.remove(0) })?;
        }
        let kind = errors.iter().map(Error::kind).reduce(Kind::graver);
        kind.map_or(Ok(()), |kind| Err(Failure { errors, kind, go_on: None }))
    }
}

fn tell(path: &str, listed: &Listed, digests: bool) -> oci_bundle::Result<()> {
    let mut lines = Vec::new();
    for image in &listed.images {
        let name = match (&image.name, &image.tag) {
            (Some(name), _) => name.clone(),
            (None, Some(tag)) => format!("{tag}  (a tag; import it with --name REPO)"),
            (None, None) => "(no name)".into(),
        };
        let shared = match image.shared_bytes {
            0 => String::new(),
            shared => format!(", {} of it shared", report::size(shared)),
        };
        lines.push(name);
        lines.push(format!("  {}  {}{shared}", image.digest, report::size(image.bytes)));
        if digests {
            for platform in &image.platforms {
                let ListedPlatform { digest, bytes, .. } = platform;
                lines.push(format!("  {:<16} {digest}  {}", named(platform), report::size(*bytes)));
            }
        } else if image.platforms.iter().any(|p| p.platform.is_some()) {
            let platforms: Vec<_> = image.platforms.iter().map(named).collect();
            lines.push(format!("  {}", platforms.join(", ")));
        }
        tell_referrers(&image.referrers, digests, &mut lines);
    }
    let images = report::count(listed.images.len() as u64, "image");
    lines.push(format!("{images}  {path}  {}  bundle {}", report::size(listed.len), listed.digest));
    report::lines(&lines)
}

fn tell_referrers(referrers: &[Referrer], digests: bool, lines: &mut Vec<String>) {
    let kind = |referrer: &Referrer| referrer.artifact_type.clone().unwrap_or_else(|| "-".into());
    if digests {
        for referrer in referrers {
            let Referrer { digest, subject, bytes, .. } = referrer;
            let (kind, size) = (kind(referrer), report::size(*bytes));
            lines.push(format!("  {:<16} {digest}  {size}, {kind}, refers to {}", "referrer", subject.short()));
        }
    } else if !referrers.is_empty() {
        let mut kinds: Vec<String> = referrers.iter().map(kind).collect();
        kinds.sort();
        kinds.dedup();
        let count = report::count(referrers.len() as u64, "referrer");
        lines.push(format!("  {count}: {}", kinds.join(", ")));
    }
}

fn named(platform: &ListedPlatform) -> String {
    platform.platform.as_ref().map_or_else(|| "-".into(), ToString::to_string)
}

fn as_json(path: &str, listed: &Listed, expected: bool) -> Value {
    let platform = |p: &ListedPlatform| {
        let mut object = json!({ "digest": p.digest, "bytes": p.bytes });
        if let Some(platform) = &p.platform {
            object["platform"] = platform.to_string().into();
        }
        object
    };
    let image = |image: &ListedImage| {
        let mut object = json!({
            "digest": image.digest,
            "mediaType": image.media_type,
            "bytes": image.bytes,
            "sharedBytes": image.shared_bytes,
            "platforms": image.platforms.iter().map(platform).collect::<Vec<_>>(),
            "referrers": image.referrers.iter().map(report::referrer).collect::<Vec<_>>(),
        });
        if let Some(name) = &image.name {
            object["name"] = name.as_str().into();
        }
        if let Some(tag) = &image.tag {
            object["tag"] = tag.as_str().into();
        }
        object
    };
    let mut object = json!({
        "bundle": path,
        "digest": listed.digest,
        "bytes": listed.len,
        "images": listed.images.iter().map(image).collect::<Vec<_>>(),
    });
    if expected {
        object["expected"] = true.into();
    }
    object
}
