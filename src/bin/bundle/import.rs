//! `bundle import`

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use oci_bundle::import::{
    self, ExistingTag, ImageStatus, Import, Imported, ImportedImage, Mapping, ReadBackReport, SourcePrefix,
};
use oci_bundle::oci::{Host, Invalid, Reference};
use oci_bundle::report::LeftOut;
use oci_bundle::{Error, Kind, NextStep, Result};

use super::errors::{Ended, Failure, print_all, print_interrupted};
use super::input_args::InputArgs;
use super::progress::Progress;
use super::registry_args::{RegistryArgs, registry_host};
use super::report;
use super::text::{count, size};

/// Push the images of a bundle to a registry
#[derive(Args)]
#[command(after_help = "Example:\n  bundle import images.tar --registry 172.18.0.20\n\nThe registry then holds \
gcr.io/google-containers/pause:latest as 172.18.0.20/library/google-containers/pause:latest, where a mirror \
https://172.18.0.20/v2/library is asked for it.\n\nWhere a flag is absent, TARGETHOST, TARGETNAMESPACE and AUTHCRED stand \
in for --registry, --namespace and the credentials; SSL_CERT_FILE replaces the system's certificates.")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    input: InputArgs,
    /// The repository of images that have only a tag in a layout of another tool, or the whole name of the
    /// only image
    #[arg(long, value_name = "REPO[:TAG]", env = "BUNDLE_NAME")]
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
    /// What to do about a tag that names another image at the registry
    #[arg(long, value_enum, value_name = "WHAT", default_value = "overwrite", env = "BUNDLE_ON_EXISTING_TAG")]
    on_existing_tag: OnExistingTag,
    /// Take nothing but images from here, by their names in the bundle: HOST or HOST/PATH (repeatable)
    #[arg(long, value_name = "PREFIX", env = "BUNDLE_ALLOW_SOURCE", value_delimiter = ',')]
    allow_source: Vec<SourcePrefix>,
    /// Take nothing on trust: --expect is needed, http is for --plain-http=HOST alone, and a file with credentials
    /// that others can change is refused
    #[arg(long, env = "BUNDLE_STRICT")]
    strict: bool,
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

#[derive(Clone, Copy, ValueEnum)]
enum OnExistingTag {
    /// The image fails, and the tag stays
    Fail,
    /// The tag is moved
    Overwrite,
    /// The tag stays, and the image is left out
    Skip,
}

impl From<OnExistingTag> for ExistingTag {
    fn from(what: OnExistingTag) -> Self {
        match what {
            OnExistingTag::Fail => Self::Fail,
            OnExistingTag::Overwrite => Self::Overwrite,
            OnExistingTag::Skip => Self::Skip,
        }
    }
}

impl From<Check> for import::Check {
    fn from(check: Check) -> Self {
        match check {
            Check::Existence => Self::Existence,
            Check::ReadBack => Self::ReadBack,
        }
    }
}

impl ImportArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        self.access.check_stdin("a bundle", &self.input.bundles)?;
        let script = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let Some(registry) = self.registry.or_else(|| script("TARGETHOST")) else {
            let instead = "name it with --registry HOST[:PORT][/NAMESPACE]";
            return Err(Failure::usage("no registry to import into", instead));
        };
        let trimmed = registry.trim_end_matches('/');
        let (host, below) = trimmed.split_once('/').map_or((trimmed, None), |(host, below)| (host, Some(below)));
        let host = if registry.contains("://") { registry_host(&registry)? } else { registry_host(host)? };
        let namespace = match (self.namespace, below) {
            (Some(_), Some(below)) => {
                let message = format!("two namespaces: `{below}` with --registry and another with --namespace");
                return Err(Failure::usage(message, "give one of them"));
            }
            (given, below) => given.or(below.map(str::to_owned)).or_else(|| script("TARGETNAMESPACE")),
        };
        refuse_api_path(&host, namespace.as_deref().unwrap_or_default())?;
        let mut import = Import::new(self.input.bundles, host.clone())
            .expect(self.input.expect)
            .tmpdir(self.input.tmpdir)
            .max_manifests(self.input.max_manifests)
            .max_spool(self.input.max_spool)
            .name(self.name.as_deref().map(called).transpose()?)
            .all_mappings_count(
                std::env::var("BUNDLE_MAP").map_or(true, |set| set.split(',').count() != self.map.len()),
            )
            .mappings(self.map)
            .check(self.check.into())
            .existing_tag(self.on_existing_tag.into())
            .sources(self.allow_source)
            .strict(self.strict)
            .dry_run(self.dry_run)
            .registry(self.access.options(&[host], script("AUTHCRED"))?);
        if let Some(namespace) = namespace {
            import = import.namespace(namespace);
        }
        let mut imported = import.run(progress.clone())?;
        let failure = imported.kind().map(Failure::reported);
        if progress.talk().json {
            for failure in imported.failures() {
                failure.hint = progress.advice().about(failure.error());
            }
            let failed = count(imported.failures().count() as u64, "image");
            let ended = failure.as_ref().map(|f| Ended::new(f, progress.advice(), &format!("{failed} failed")));
            report::json(Some(&imported), ended);
        } else {
            tell(progress, &imported, self.dry_run);
        }
        if !progress.talk().json {
            tell_failures(progress, &mut imported);
        }
        failure.map_or(Ok(()), |failure| Err(failure.with_object()))
    }
}

/// `--name`: a repository, or a name with a tag; without a digest.
fn called(text: &str) -> Result<Reference> {
    let bad = |why: String| Error::usage(format!("--name {why}"));
    let reference: Reference = text.parse().map_err(|e: Invalid| bad(e.to_string()))?;
    if reference.digest.is_some() {
        return Err(bad(format!("`{text}`: an image has the digest that it has; name the repository, or a tag of it")));
    }
    // The tag counts where somebody wrote one.
    let has_tag = text.rsplit('/').next().is_some_and(|last| last.contains(':'));
    Ok(Reference { tag: reference.tag.filter(|_| has_tag), ..reference })
}

/// That nobody took the URL of a mirror for the registry: what it begins with there is the API's.
fn refuse_api_path(host: &Host, namespace: &str) -> Result<(), Failure> {
    let mut parts = namespace.split('/').filter(|part| !part.is_empty());
    if parts.next() != Some("v2") {
        return Ok(());
    }
    let rest: Vec<&str> = parts.collect();
    let registry = if rest.is_empty() { host.to_string() } else { format!("{host}/{}", rest.join("/")) };
    let message =
        format!("`{namespace}` begins with v2, which belongs to the URL of a mirror: nodes would not look there");
    let next = Some(NextStep::NameMirrorWithoutApi { registry });
    Err(Error::Usage { message, next }.into())
}

/// Why images failed. Of those that were interrupted it is enough to know which they are.
fn tell_failures(progress: &Progress, imported: &mut Imported) {
    let interrupted =
        |image: &&ImportedImage| matches!(image.error.as_ref().map(|e| e.kind), Some(Kind::Interrupted(_)));
    let (all, undone) = (imported.images.len(), imported.images.iter().filter(interrupted));
    let undone: Vec<String> = undone.map(|image| image.target.clone()).collect();
    let failures = imported.failures().filter(|failure| !matches!(failure.kind, Kind::Interrupted(_)));
    print_all(failures.map(|failure| failure.error()), progress.advice());
    if !undone.is_empty() {
        print_interrupted(&format!(
            "{} of {} not done: {}",
            undone.len(),
            count(all as u64, "image"),
            undone.join(", ")
        ));
    }
}

/// One line for each image, by name: with the whole digest, to be pasted elsewhere.
fn tell_images(progress: &Progress, imported: &Imported, dry_run: bool) {
    let say = |label: &str, text: &str| if dry_run { progress.answer(label, text) } else { progress.say(label, text) };
    for image in &imported.images {
        let ImportedImage { target, digest, previous_digest: previous, status, .. } = image;
        let previous = previous.as_ref().filter(|_| image.moves_tag());
        match (status, previous) {
            (ImageStatus::Failed, _) => say("failed", target),
            (ImageStatus::Present, _) => say("present", &format!("{target}  {digest}")),
            (ImageStatus::Skipped, _) => say("skipped", &format!("{target}  {digest}")),
            (ImageStatus::Planned, Some(other)) => {
                say("would move", &format!("{target} from {other} to {digest}"));
            }
            (ImageStatus::Planned, None) => say("would push", &format!("{target}  {digest}")),
            (_, Some(other)) => say("pushed", &format!("{target}  {digest}  (was {other})")),
            (_, None) => say("pushed", &format!("{target}  {digest}")),
        }
    }
}

fn tell(progress: &Progress, imported: &Imported, dry_run: bool) {
    tell_images(progress, imported, dry_run);
    for LeftOut { digest, bytes, reason, .. } in &imported.left_out {
        progress.say("left out", &format!("{digest}  {}, {reason}, and not in the registry", size(*bytes)));
    }
    let images = counted(imported);
    let failed = imported.images.iter().filter(|i| i.status == ImageStatus::Failed).count();
    let blobs = &imported.blobs;
    let left_out = match imported.left_out.len() as u64 {
        0 => String::new(),
        some => format!(" · {} left out", count(some, "layer")),
    };
    if dry_run {
        let (to_send, bytes) = (count(blobs.to_send, "blob"), size(blobs.bytes_to_send));
        progress.answer("plan", &format!("{images} · {to_send} to send ({bytes}){left_out} · nothing was changed"));
        return;
    }
    if let Some(back) = &imported.read_back {
        tell_read_back(progress, back);
    }
    let sent = format!("{} sent ({})", count(blobs.sent, "blob"), size(blobs.bytes_sent));
    let mounted = if blobs.mounted > 0 { format!(" · {} mounted", blobs.mounted) } else { String::new() };
    let label = if failed == 0 { "done" } else { "incomplete" };
    let present = blobs.present;
    let skipped = match imported.images.iter().filter(|i| i.status == ImageStatus::Skipped).count() {
        0 => String::new(),
        skipped => format!(" · {skipped} skipped"),
    };
    let skipped = format!("{skipped}{left_out}");
    progress.say(label, &format!("{images} · {sent}{mounted} · {present} already there{skipped} · {failed} failed"));
}

/// How many images, and how many of what is attached to them by a tag.
fn counted(imported: &Imported) -> String {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for attached in imported.images.iter().filter_map(|image| image.attached) {
        *kinds.entry(attached).or_default() += 1;
    }
    let attached: u64 = kinds.values().sum();
    let mut text = count(imported.images.len() as u64 - attached, "image");
    for (kind, number) in kinds {
        let number = if kind == "list of referrers" && number > 1 {
            format!("{number} lists of referrers")
        } else {
            count(number, kind)
        };
        text.push_str(&format!(" · {number}"));
    }
    text
}

fn tell_read_back(progress: &Progress, back: &ReadBackReport) {
    let [blobs, manifests, tags] = [(back.blobs, "blob"), (back.manifests, "manifest"), (back.tags, "tag")]
        .map(|(number, noun)| count(number, noun));
    let (bytes, damaged) = (size(back.bytes), back.damaged.len());
    progress.say("read back", &format!("{blobs} · {manifests} · {tags} · {bytes} · {damaged} damaged"));
}
