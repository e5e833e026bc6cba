//! `bundle import`

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use oci_bundle::import::{self, Import, Imported};
use oci_bundle::oci::{Digest, Invalid, Reference, Repository};
use oci_bundle::plan::Mapping;
use oci_bundle::transfer::{Damaged, Pushed, ReadBack, Status};
use oci_bundle::{Error, Kind};
use serde_json::{Value, json};

use super::errors::Failure;
use super::input_args::InputArgs;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report;

/// Where images go when nothing else is said: the mirror of docker's own images.
const DEFAULT_NAMESPACE: &str = "library";

/// Push the images of a bundle to a registry
#[derive(Args)]
#[command(after_help = "Example:\n  bundle import images.tar --registry 172.18.0.20\n\nThe registry then holds \
gcr.io/google-containers/pause:latest as 172.18.0.20/library/google-containers/pause:latest, where a mirror \
https://172.18.0.20/library is asked for it.\n\nWhere a flag is absent, TARGETHOST, TARGETNAMESPACE and AUTHCRED stand \
in for --registry, --namespace and the credentials; SSL_CERT_FILE replaces the system's certificates.")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    input: InputArgs,
    /// The repository of images that have only a tag in a layout of another tool
    #[arg(long, value_name = "REPO", env = "BUNDLE_NAME")]
    name: Option<String>,
    /// The registry, and what to put in front of repositories instead of `library`
    #[arg(long, value_name = "HOST[:PORT][/NAMESPACE]", env = "BUNDLE_REGISTRY")]
    registry: Option<String>,
    /// Put this in front of repositories instead of `library`; '' for nothing
    #[arg(long, value_name = "NAMESPACE", env = "BUNDLE_NAMESPACE")]
    namespace: Option<String>,
    /// Repositories below FROM (host/path) become TO, without the namespace (repeatable)
    #[arg(long, value_name = "FROM=TO", env = "BUNDLE_MAP", value_delimiter = ',')]
    map: Vec<Mapping>,
    /// How to check what the registry has afterwards
    #[arg(long, value_enum, default_value = "existence", env = "BUNDLE_CHECK")]
    check: Check,
    /// Say what would be sent where, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    access: RegistryArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Check {
    /// It says that it has everything, and serves the manifest of each image
    Existence,
    /// Everything is fetched once more and hashed, also what was there before
    ReadBack,
}

impl ImportArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let script = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let registry = self.registry.or_else(|| script("TARGETHOST")).ok_or_else(|| Error::Usage {
            message: "no registry to import into".into(),
            hint: Some("name it with --registry HOST[:PORT][/NAMESPACE]".into()),
        })?;
        let (host, below) = match registry.trim_end_matches('/').split_once('/') {
            Some((host, below)) => (host.to_owned(), Some(below.to_owned())),
            None => (registry.trim_end_matches('/').to_owned(), None),
        };
        if registry.contains("://") {
            return Err(
                Error::usage(format!("registry `{registry}`: leave out the scheme (http: --plain-http)")).into()
            );
        }
        let namespace = match (self.namespace, below) {
            (Some(_), Some(below)) => {
                let message = format!("two namespaces: `{below}` with --registry and another with --namespace");
                return Err(Error::Usage { message, hint: Some("give one of them".into()) }.into());
            }
            (given, below) => given.or(below).or_else(|| script("TARGETNAMESPACE")),
        };
        let import = Import {
            name: self.name.as_deref().map(repository).transpose()?,
            bundles: self.input.bundles,
            expect: self.input.expect,
            tmpdir: self.input.tmpdir,
            host: host.clone(),
            namespace: namespace.unwrap_or_else(|| DEFAULT_NAMESPACE.into()),
            mappings: self.map,
            check: match self.check {
                Check::Existence => import::Check::Existence,
                Check::ReadBack => import::Check::ReadBack,
            },
            dry_run: self.dry_run,
            registry: self.access.options(std::slice::from_ref(&host), script("AUTHCRED"))?,
        };
        let dry_run = import.dry_run;
        let imported = import.run(progress.clone())?;
        if progress.talk().json {
            report::json(&as_json(&host, &imported, dry_run))?;
        } else {
            tell(progress, &imported, dry_run);
        }
        imported.kind().map_or(Ok(()), |kind: Kind| Err(Failure::reported(kind)))
    }
}

/// `--name`: a repository, with neither tag nor digest.
fn repository(text: &str) -> oci_bundle::Result<Repository> {
    let bad = |why: String| Error::usage(format!("--name {why}"));
    let reference: Reference = text.parse().map_err(|e: Invalid| bad(e.to_string()))?;
    let last = text.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) {
        return Err(bad(format!("`{text}`: a repository has no tag and no digest")));
    }
    Ok(reference.repository)
}

fn tell(progress: &Progress, imported: &Imported, dry_run: bool) {
    let outcome = &imported.outcome;
    let images = report::count(outcome.images.len() as u64, "image");
    if dry_run {
        for Pushed { image, status, .. } in outcome.images.iter().filter(|i| i.status != Status::Failed) {
            let label = if *status == Status::Present { "present" } else { "would push" };
            progress.say(label, &format!("{}  {}", image.target, image.digest.short()));
        }
        let (blobs, bytes) = imported.to_send;
        progress.say(
            "plan",
            &format!(
                "{images} · {} to send ({}) · nothing was changed",
                report::count(blobs, "blob"),
                report::size(bytes)
            ),
        );
        return;
    }
    if let Some(ReadBack { blobs, manifests, tags, bytes, damaged }) = &imported.read_back {
        let [blobs, manifests, tags] = [(*blobs, "blob"), (*manifests, "manifest"), (*tags, "tag")]
            .map(|(number, noun)| report::count(number, noun));
        let (bytes, damaged) = (report::size(*bytes), damaged.len());
        progress.say("read back", &format!("{blobs} · {manifests} · {tags} · {bytes} · {damaged} damaged"));
    }
    let failed = outcome.images.iter().filter(|i| i.status == Status::Failed).count();
    let sent = format!("{} sent ({})", report::count(outcome.sent, "blob"), report::size(outcome.bytes_sent));
    let mounted = if outcome.mounted > 0 { format!(" · {} mounted", outcome.mounted) } else { String::new() };
    let label = if failed == 0 { "done" } else { "incomplete" };
    progress.say(label, &format!("{images} · {sent}{mounted} · {} already there · {failed} failed", outcome.present));
}

fn as_json(host: &str, imported: &Imported, dry_run: bool) -> Value {
    let image = |Pushed { image, status, error }: &Pushed| {
        let status = match status {
            Status::Pushed if dry_run => "planned",
            other => other.as_str(),
        };
        let mut object = json!({
            "name": image.name,
            "target": image.target.to_string(),
            "digest": image.digest,
            "status": status,
        });
        if let Some(error) = error {
            object["error"] = report::error(error);
        }
        object
    };
    let outcome = &imported.outcome;
    let mut object = json!({
        "registry": host,
        "images": outcome.images.iter().map(image).collect::<Vec<_>>(),
        "blobs": {
            "sent": outcome.sent,
            "mounted": outcome.mounted,
            "present": outcome.present,
            "bytesSent": outcome.bytes_sent,
            "toSend": if dry_run { imported.to_send.0 } else { 0 },
            "bytesToSend": if dry_run { imported.to_send.1 } else { 0 },
        },
        "missingVolumes": [],
    });
    if let Some(back) = &imported.read_back {
        let damaged = |Damaged { repository, digest, message }: &Damaged| json!({ "repository": repository.to_string(), "digest": digest, "message": message });
        object["readBack"] = json!({
            "blobs": back.blobs,
            "manifests": back.manifests,
            "tags": back.tags,
            "bytes": back.bytes,
            "damaged": back.damaged.iter().map(damaged).collect::<Vec<_>>(),
        });
    }
    match imported.bundles.as_slice() {
        [(_, digest)] => object["digest"] = digest.as_str().into(),
        several => {
            let line =
                |(path, digest): &(PathBuf, Digest)| json!({ "bundle": path.display().to_string(), "digest": digest });
            object["bundles"] = several.iter().map(line).collect();
        }
    }
    object
}
