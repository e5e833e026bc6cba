//! Where images go and what they are called there: the flags of every command that brings them to a registry.

use clap::{Args, ValueEnum};
use oci_bundle::import::{self, ExistingTag, Mapping, Platforms};
use oci_bundle::oci::Host;
use oci_bundle::{Error, NextStep};

use super::errors::Failure;
use super::values::registry_host;

/// What images are called at a registry.
#[derive(Args)]
pub(crate) struct NamingArgs {
    /// The registry, and the namespace that is put in front of repositories (library)
    #[arg(long, value_name = "HOST[:PORT][/NS]", env = "BUNDLE_REGISTRY")]
    pub(crate) registry: Option<String>,
    /// The namespace alone; '' for none
    #[arg(long, value_name = "NS", env = "BUNDLE_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Repositories below FROM (host/path) become TO, without the namespace (repeatable)
    #[arg(long, value_name = "FROM=TO", env = "BUNDLE_MAP", value_delimiter = ',')]
    pub(crate) map: Vec<Mapping>,
}

#[derive(Args)]
pub(crate) struct TargetArgs {
    #[command(flatten)]
    pub(crate) naming: NamingArgs,
    /// Of an image with several platforms, push the manifest of this one alone, under the image's tag: another digest
    /// than that of the image
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", env = "BUNDLE_SINGLE_PLATFORM")]
    pub(crate) single_platform: Option<Platforms>,
    /// Show what would be sent and where, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Afterwards, ask whether everything is there, or fetch it all once more and hash it
    #[arg(long, value_enum, value_name = "HOW", default_value = "existence", env = "BUNDLE_CHECK")]
    pub(crate) check: Check,
    /// If a tag exists there and names another image: move it, skip that image, or fail
    #[arg(long, value_enum, value_name = "WHAT", default_value = "overwrite", env = "BUNDLE_ON_EXISTING_TAG")]
    pub(crate) on_existing_tag: OnExistingTag,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Check {
    // It says that it has everything, and serves the manifest of each image.
    Existence,
    // Everything is fetched once more and hashed, also what was there before.
    ReadBack,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum OnExistingTag {
    // The image fails, and the tag stays.
    Fail,
    // The tag is moved.
    Overwrite,
    // The tag stays, and the image is left out.
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

impl NamingArgs {
    /// The registry and the namespace, where one is given. `doing` says what for, and `script` looks up what stands in
    /// for a flag that is absent.
    ///
    /// # Errors
    /// No registry, two namespaces, or what is meant for nodes.
    pub(crate) fn place(
        &self,
        doing: &str,
        script: impl Fn(&str) -> Option<String>,
    ) -> Result<(Host, Option<String>), Failure> {
        let Some(registry) = self.registry.clone().or_else(|| script("TARGETHOST")) else {
            return Err(Failure::usage(format!("no registry to {doing}"), NextStep::NameRegistry));
        };
        let trimmed = registry.trim_end_matches('/');
        let (host, below) = trimmed.split_once('/').map_or((trimmed, None), |(host, below)| (host, Some(below)));
        let host = if registry.contains("://") { registry_host(&registry)? } else { registry_host(host)? };
        let namespace = match (&self.namespace, below) {
            (Some(_), Some(below)) => {
                let message = format!("two namespaces: `{below}` with --registry and another with --namespace");
                return Err(Failure::usage(message, NextStep::GiveOneOfThem));
            }
            (given, below) => given.clone().or(below.map(str::to_owned)).or_else(|| script("TARGETNAMESPACE")),
        };
        refuse_api_path(&host, namespace.as_deref().unwrap_or_default())?;
        Ok((host, namespace))
    }

    /// The mappings are for these images: they were typed, and do not stand in a variable for all.
    pub(crate) fn all_mappings_count(&self) -> bool {
        std::env::var("BUNDLE_MAP").map_or(true, |set| set.split(',').count() != self.map.len())
    }
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
