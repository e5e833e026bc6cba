//! `bundle inventory`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use oci_bundle::images::Images;
use oci_bundle::inventory::{Inventoried, Inventory, Mapping};
use oci_bundle::{Error, Expectation, NextStep};

use super::errors::Failure;
use super::help::FINE;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report;
use super::report_file::ReportArgs;
use super::text::{count, parse_size, shell_word, size};
use super::values::registry_host;

/// List what files or a registry hold, in a small file to carry back: for `export --base` and `-f`
#[derive(Args)]
#[command(
    override_usage = "bundle inventory -o FILE [OPTIONS] BUNDLE...",
    after_help = "Example:\n  bundle inventory damaged.tar -o inventory.json\n  \
bundle export -f inventory.json --base inventory.json -o patch.tar\n  \
bundle import damaged.tar patch.tar --registry 172.18.0.20\n\nOf a registry, under the names that an import gives:\n  \
bundle inventory --registry 172.18.0.20 -f images.txt -o inventory.json"
)]
pub(crate) struct InventoryArgs {
    /// Files: tars, gzips of them, layout directories, or `-` for standard input; with --registry, repositories there
    #[arg(value_name = "BUNDLE|REPO")]
    what: Vec<PathBuf>,
    /// The file to write
    #[arg(short, long, value_name = "FILE", env = "BUNDLE_OUTPUT")]
    output: PathBuf,
    /// Replace an existing file
    #[arg(long, env = "BUNDLE_FORCE")]
    force: bool,
    /// Ask this registry what it has, instead of reading files
    #[arg(long, value_name = "HOST[:PORT][/NAMESPACE]")]
    registry: Option<String>,
    /// Look there for the images of this list, under the names that an import gives them (repeatable)
    #[arg(short, long = "file", value_name = "FILE", requires = "registry")]
    files: Vec<PathBuf>,
    /// Repositories below FROM (host/path) were imported as TO (repeatable)
    #[arg(long, value_name = "FROM=TO", env = "BUNDLE_MAP", value_delimiter = ',')]
    map: Vec<Mapping>,
    /// Look into all repositories that the registry lists
    #[arg(long, requires = "registry", conflicts_with = "files")]
    catalog: bool,
    /// Take nothing but this bundle (sha256:…) or this image (NAME@sha256:…); repeatable
    #[arg(long, value_name = "DIGEST", env = "BUNDLE_EXPECT", value_delimiter = ',')]
    expect: Vec<Expectation>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Where standard input and compressed bundles are unpacked to
    #[arg(long, help_heading = FINE, value_name = "DIR", env = "BUNDLE_TMPDIR")]
    tmpdir: Option<PathBuf>,
    /// Write at most this much of them there, as in 200GiB; without it, as much as there is room for
    #[arg(long, help_heading = FINE, value_name = "SIZE", value_parser = parse_size, env = "BUNDLE_MAX_SPOOL")]
    max_spool: Option<u64>,
    /// Hold at most this much of manifests in memory, as in 2GiB
    #[arg(long, help_heading = FINE, value_name = "SIZE", value_parser = parse_size, default_value = "1GiB", env = "BUNDLE_MAX_MANIFESTS")]
    max_manifests: u64,
    #[command(flatten)]
    access: RegistryArgs,
}

impl InventoryArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let inventory = match self.registry.clone() {
            Some(registry) => self.of_registry(&registry)?,
            None => self.of_files()?,
        };
        let inventoried = inventory.run(progress.clone())?;
        report::ended(progress.talk().json, Some(&inventoried), None::<()>);
        if !progress.talk().json {
            tell(progress, &inventoried);
        }
        Ok(())
    }

    fn of_files(self) -> Result<Inventory, Failure> {
        if self.what.is_empty() {
            return Err(Failure::usage(
                "no file and no registry to take an inventory of",
                NextStep::NameFilesOrRegistry,
            ));
        }
        if self.what.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(Failure::usage("`-` twice: standard input can be read once", NextStep::NameOtherFile));
        }
        let inventory = Inventory::of_files(self.what, self.output).force(self.force).expect(self.expect);
        Ok(inventory.tmpdir(self.tmpdir).max_spool(self.max_spool).max_manifests(self.max_manifests))
    }

    fn of_registry(self, registry: &str) -> Result<Inventory, Failure> {
        let trimmed = registry.trim_end_matches('/');
        let (host, below) = trimmed.split_once('/').map_or((trimmed, None), |(host, below)| (host, Some(below)));
        let host = registry_host(if registry.contains("://") { registry } else { host })?;
        let mut images = None;
        if !self.files.is_empty() {
            if !self.what.is_empty() {
                return Err(Failure::usage("repositories and a list of images", NextStep::GiveOneOfThem));
            }
            let mut listed = Images::default();
            let errors: Vec<Error> = self.files.iter().filter_map(|file| listed.list(file).err()).flatten().collect();
            if let Some(failure) = Failure::of(errors) {
                return Err(failure);
            }
            images = Some(listed);
        }
        if images.is_none() && self.what.is_empty() && !self.catalog {
            return Err(Failure::usage("no repository of the registry is named", NextStep::NameRepositoriesThere));
        }
        let repositories = self.what.iter().map(|text| text.display().to_string()).collect();
        let inventory = Inventory::of_registry(host.clone(), self.output).force(self.force);
        let inventory = inventory.namespace(below.map(str::to_owned)).mappings(self.map).repositories(repositories);
        let inventory = inventory.catalog(self.catalog).images(images).max_manifests(self.max_manifests);
        Ok(inventory.registry(self.access.options(&[host], None)?))
    }
}

fn tell(progress: &Progress, inventoried: &Inventoried) {
    for damaged in &inventoried.damaged {
        let digest = damaged.digest.as_ref().map(|digest| format!("{digest}: ")).unwrap_or_default();
        progress.say("damaged", &format!("{digest}{}", damaged.message));
    }
    for absent in &inventoried.absent {
        progress.say("absent", absent);
    }
    let Inventoried { inventory, source, images, held, bytes, .. } = inventoried;
    let (images, held, bytes) = (count(*images, "image"), count(*held, "digest"), size(*bytes));
    let word = if *source == "files" { "every byte was read" } else { "by the registry's word" };
    progress.say("wrote", &format!("{}  {images} · {held} · {bytes}  ({word})", inventory.display()));
    let path = inventory.display().to_string();
    let path = shell_word(&path);
    let next = match *source {
        "files" => format!("bundle export -f {path} --base {path} -o patch.tar"),
        _ => format!("bundle export IMAGE… --base {path} -o delta.tar"),
    };
    progress.say("next", &next);
}
