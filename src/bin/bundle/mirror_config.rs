//! `bundle mirror-config`

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Command};
use oci_bundle::mirror_config::{MirrorConfig, MirrorConfigured, NodeView, Runtime};
use oci_bundle::oci::Host;

use super::errors::{Ended, Failure, print_all};
use super::input_args::InputArgs;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report;
use super::target_args::NamingArgs;
use super::text::count;
use super::values::registry_host;

/// Write the configuration that makes nodes pull the images of a bundle from a registry
#[derive(Args)]
#[command(
    override_usage = "bundle mirror-config --registry HOST[:PORT][/NS] --for RUNTIME [OPTIONS] BUNDLE...",
    after_help = "Example:\n  bundle mirror-config images.tar --registry 172.18.0.20 --for containerd\n  bundle mirror-config images.tar --registry 172.18.0.20 --ca-file ca.crt --for containerd -o nodes --check\n\nThe files are for the hosts that the images of the bundles are named after, and nodes ask nobody but the mirror, as far as the runtime can be told so. They hold the certificate of --ca-file, the name of --username and no password. docs/mirrors.md has a section for each runtime."
)]
pub(crate) struct MirrorConfigArgs {
    #[command(flatten)]
    naming: NamingArgs,
    /// What pulls images on the nodes
    #[arg(long = "for", value_name = "RUNTIME", env = "BUNDLE_FOR", value_parser = runtime())]
    runtime: Runtime,
    /// Write the files below this folder, each at its path on a node; without it they are shown
    #[arg(short, long, value_name = "DIR", env = "BUNDLE_OUTPUT")]
    output: Option<PathBuf>,
    /// Replace existing files
    #[arg(long, env = "BUNDLE_FORCE")]
    force: bool,
    /// Let nodes ask the original registries if the mirror fails
    #[arg(long, env = "BUNDLE_FALLBACK")]
    fallback: bool,
    /// Mirror this host too, whether images of it are in the bundles or not (repeatable)
    #[arg(long = "host", value_name = "HOST", env = "BUNDLE_HOST", value_delimiter = ',')]
    hosts: Vec<String>,
    /// Ask the registry for one image of each host, as a node with these files would
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    access: RegistryArgs,
    #[command(flatten)]
    input: InputArgs,
}

/// The runtimes by name.
fn runtime() -> impl TypedValueParser<Value = Runtime> {
    let name = |runtime: Runtime| {
        let value = PossibleValue::new(runtime.as_str());
        if runtime == Runtime::Gdc { value.alias("anthos") } else { value }
    };
    PossibleValuesParser::new(Runtime::ALL.map(name)).try_map(|name| name.parse::<Runtime>())
}

impl MirrorConfigArgs {
    /// Hosts may be named instead.
    pub(crate) fn without_bundles(command: Command) -> Command {
        command.mut_arg("bundles", |arg| arg.required(false))
    }

    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        self.access.check_stdin("a bundle", &self.input.bundles)?;
        let (host, namespace) = self.naming.place("mirror", |_| None)?;
        let hosts: Vec<Host> = self.hosts.iter().map(|host| registry_host(host)).collect::<Result<_, _>>()?;
        // A password is wanted for asking alone: none goes into a file.
        let username = self.access.username();
        let access = if self.check { self.access } else { self.access.without_login() };
        let options = access.options(std::slice::from_ref(&host), None)?;
        let mut config = MirrorConfig::new(self.input.bundles, host, self.runtime)
            .expect(self.input.expect)
            .required_keys(self.input.keys.required()?)
            .tmpdir(self.input.tmpdir)
            .max_manifests(self.input.max_manifests)
            .max_spool(self.input.max_spool)
            .all_mappings_count(self.naming.all_mappings_count())
            .mappings(self.naming.map)
            .hosts(hosts)
            .fallback(self.fallback)
            .username(username)
            .output(self.output)
            .force(self.force)
            .check(self.check)
            .registry(options);
        if let Some(namespace) = namespace {
            config = config.namespace(namespace);
        }
        let mut configured = config.run(progress.clone())?;
        let failure = configured.kind().map(Failure::reported);
        if progress.talk().json {
            for failure in configured.failures() {
                failure.hint = progress.advice().about(failure.error());
            }
            let ended = failure.as_ref().map(|f| Ended::new(f, progress.advice(), &summary(&configured)));
            report::json(Some(&configured), ended);
        } else {
            tell(progress, &configured);
            print_all(configured.failures().map(|failure| failure.error()), progress.advice());
        }
        failure.map_or(Ok(()), |failure| Err(failure.with_object()))
    }
}

/// Files are what was asked for; where they are written, where each goes is.
fn tell(progress: &Progress, configured: &MirrorConfigured) {
    let mut lines = Vec::new();
    let is_shown = configured.files.iter().all(|file| file.written.is_none());
    for file in &configured.files {
        match &file.written {
            Some(path) => progress.say("wrote", &format!("{}  ({})", path.display(), file.place)),
            None => {
                lines.push(format!("# {}", file.place));
                lines.extend(file.text.lines().map(str::to_owned));
                lines.push(String::new());
            }
        }
    }
    let steps = configured.steps.iter().map(|step| ("then", step));
    for (label, text) in steps.chain(configured.notes.iter().map(|note| ("note", note))) {
        // Among files, what is none of them is a comment.
        if is_shown {
            lines.push(format!("# {label}: {text}"));
        } else {
            progress.say(label, text);
        }
    }
    report::lines(&lines);
    for view in &configured.check {
        let NodeView { image, by, asked, digest, expected, .. } = view;
        let digest = digest.as_ref().map(ToString::to_string).unwrap_or_default();
        let line = format!("{image}  by {by}: {asked}");
        match view.status {
            "served" => progress.say("served", &format!("{line}  {digest}")),
            "different" => report::labelled("different", &format!("{line}  is {digest}, and not {expected}")),
            "missing" => report::labelled("missing", &format!("{line}  {}", or_else(configured))),
            _ => report::labelled("failed", &line),
        }
    }
    if !configured.check.is_empty() {
        let label = if configured.kind().is_none() { "done" } else { "incomplete" };
        progress.say(label, &summary(configured));
    }
}

/// What a node does without an answer of the mirror.
fn or_else(configured: &MirrorConfigured) -> &'static str {
    if configured.fallback { "a node asks its own host then" } else { "a node fails" }
}

fn summary(configured: &MirrorConfigured) -> String {
    let served = configured.check.iter().filter(|view| view.status == "served").count();
    let asked = count(configured.check.len() as u64, "question");
    format!("{served} of {asked} answered as a node needs it")
}
