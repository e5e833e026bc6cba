//! `bundle import`

use std::sync::Arc;

use clap::Args;
use oci_bundle::import::{Import, Imported, LackingContent, NamePattern, SourcePrefix};
use oci_bundle::oci::{Host, Invalid, Reference};
use oci_bundle::{Error, Kind, Result};

use super::arrived::{self, Arrived, Seen};
use super::errors::Failure;
use super::input_args::InputArgs;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report_file::ReportArgs;
use super::target_args::TargetArgs;
use super::text::{shell_word, size};

/// Push the images of a bundle to a registry
#[derive(Args)]
#[command(
    override_usage = "bundle import --registry HOST[:PORT][/NS] [OPTIONS] BUNDLE...",
    after_help = "Example:\n  bundle import images.tar --registry 172.18.0.20\n\ngcr.io/google-containers/pause:latest is \
then 172.18.0.20/library/google-containers/pause:latest, where nodes with the mirror https://172.18.0.20/v2/library ask \
for it. Without the flags, TARGETHOST, TARGETNAMESPACE, AUTHCRED and SSL_CERT_FILE are read."
)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// The name for an image that has only a tag, or no name, in a file of another tool
    #[arg(long, value_name = "REPO[:TAG]", env = "BUNDLE_NAME")]
    name: Option<String>,
    /// Take only the images of this name, with their signatures and SBOMs; `*` stands for any characters (repeatable)
    #[arg(long, value_name = "NAME", env = "BUNDLE_ONLY", value_delimiter = ',')]
    only: Vec<NamePattern>,
    /// Take only images whose names in the bundle begin so: HOST or HOST/PATH (repeatable)
    #[arg(long, value_name = "PREFIX", env = "BUNDLE_ALLOW_SOURCE", value_delimiter = ',')]
    allow_source: Vec<SourcePrefix>,
    /// Take nothing on trust: --expect or --require-key is needed, http only with =HOST, and no credentials that others can change
    #[arg(long, env = "BUNDLE_STRICT")]
    strict: bool,
    /// Of several volumes, send what this one has, and leave the others to other importers
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    volume: Option<u32>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    access: RegistryArgs,
    #[command(flatten)]
    input: InputArgs,
}

impl ImportArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        self.access.check_stdin("a bundle", &self.input.bundles)?;
        let script = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let (host, namespace) = self.target.naming.place("import into", script)?;
        let next = self.then_mirror(&host, namespace.as_deref());
        let mut import = Import::new(self.input.bundles, host.clone())
            .expect(self.input.expect)
            .required_keys(self.input.keys.required()?)
            .tmpdir(self.input.tmpdir)
            .max_manifests(self.input.max_manifests)
            .max_spool(self.input.max_spool)
            .name(self.name.as_deref().map(called).transpose()?)
            .all_mappings_count(self.target.naming.all_mappings_count())
            .mappings(self.target.naming.map)
            .check(self.target.check.into())
            .existing_tag(self.target.on_existing_tag.into())
            .only(self.only)
            .sources(self.allow_source)
            .strict(self.strict)
            .volume(self.volume)
            .single_platform(self.target.single_platform)
            .dry_run(self.target.dry_run)
            .registry(self.access.options(&[host], script("AUTHCRED"))?);
        if let Some(namespace) = namespace {
            import = import.namespace(namespace);
        }
        let imported = import.run(progress.clone())?;
        for LackingContent { digest, bytes, images, .. } in &imported.lacking {
            let text = format!("{digest}  {}, left to a base and needed by {}", size(*bytes), images.join(", "));
            progress.answer("lacking", &text);
        }
        arrived::finish(imported, self.target.dry_run, progress)?;
        if let Some(next) = next.filter(|_| !self.target.dry_run && !progress.talk().json) {
            progress.say("next", &next);
        }
        Ok(())
    }

    /// The command that makes nodes use what was imported; what came through a pipe is not there any more.
    fn then_mirror(&self, host: &Host, namespace: Option<&str>) -> Option<String> {
        if self.input.bundles.iter().any(|path| path.as_os_str() == "-") {
            return None;
        }
        let mut words: Vec<String> = self.input.bundles.iter().map(|path| path.display().to_string()).collect();
        let below = namespace.filter(|namespace| !namespace.is_empty());
        words.extend(["--registry".into(), below.map_or(host.to_string(), |below| format!("{host}/{below}"))]);
        if namespace == Some("") {
            words.extend(["--namespace".into(), String::new()]);
        }
        words.extend(self.target.naming.map.iter().flat_map(|mapping| ["--map".into(), mapping.to_string()]));
        words.extend(self.access.trust_words());
        words.extend(["--for".into(), "containerd".into()]);
        let words: Vec<_> =
            words.iter().map(|word| if word.starts_with("--") { word.into() } else { shell_word(word) }).collect();
        Some(format!("bundle mirror-config {}", words.join(" ")))
    }
}

impl Arrived for Imported {
    fn seen(&self) -> Seen<'_> {
        let Self { images, blobs, left_out, read_back, .. } = self;
        Seen { images, blobs, left_out, read_back: read_back.as_ref(), missing_volumes: &self.missing_volumes }
    }

    fn kind(&self) -> Option<Kind> {
        self.kind()
    }

    fn failures(&mut self) -> Vec<&mut oci_bundle::report::Failure> {
        self.failures().collect()
    }
}

/// `--name`: a repository, or a name with a tag; without a digest.
pub(crate) fn called(text: &str) -> Result<Reference> {
    let bad = |why: String| Error::usage(format!("--name {why}"));
    let reference: Reference = text.parse().map_err(|e: Invalid| bad(e.to_string()))?;
    if reference.digest.is_some() {
        return Err(bad(format!("`{text}`: an image has the digest that it has; name the repository, or a tag of it")));
    }
    // The tag counts where somebody wrote one.
    let has_tag = text.rsplit('/').next().is_some_and(|last| last.contains(':'));
    Ok(Reference { tag: reference.tag.filter(|_| has_tag), ..reference })
}
