//! The arguments of every command that is told which images: names, and lists of names.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use oci_bundle::images::Images;
use oci_bundle::{Error, NextStep};

use super::errors::Failure;
use super::plan_args::PlanArgs;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::text::count;

/// Names of images, and what says which others.
#[derive(Args, Clone)]
pub(crate) struct ImageArgs {
    // Not a doc comment: rustdoc would take the brackets for a link.
    #[arg(
        value_name = "IMAGE",
        required_unless_present_any = ["files", "all_tags", "tags"],
        help = "The images: NAME[:TAG][@DIGEST], as docker understands them"
    )]
    images: Vec<String>,
    #[command(flatten)]
    select: SelectArgs,
}

/// Which images
#[derive(Args, Clone)]
#[command(next_help_heading = "Which images")]
pub(crate) struct SelectArgs {
    /// Take the images that this list names, or standard input with `-` (repeatable): names line by line, or
    /// one of ten formats, as of Kubernetes, compose and hauler: docs/lists.md
    #[arg(short, long = "file", value_name = "FILE", env = "BUNDLE_FILE")]
    files: Vec<PathBuf>,
    /// Take all tags of this repository (repeatable)
    #[arg(long, value_name = "REPO", env = "BUNDLE_ALL_TAGS", value_delimiter = ',')]
    all_tags: Vec<String>,
    /// Take the tags of a repository that match a glob, as in quay.io/org/app=1.*-alpine (repeatable)
    #[arg(long, value_name = "REPO=GLOB", env = "BUNDLE_TAGS")]
    tags: Vec<String>,
    /// Of the tags of each repository take only so many, from the highest version down
    #[arg(long, value_name = "N", env = "BUNDLE_NEWEST")]
    newest: Option<usize>,
    /// Of the tags of each repository take only versions in this range, as in `>=1.2 <2`
    #[arg(long, value_name = "RANGE", env = "BUNDLE_SEMVER")]
    semver: Option<String>,
    /// Leave out images whose names match a glob, as in quay.io/org/*-debug (repeatable)
    #[arg(long, value_name = "GLOB", env = "BUNDLE_EXCLUDE")]
    exclude: Vec<String>,
    /// Fetch what is named PREFIX from MIRROR, as in docker.io=mirror.example/hub; names stay (repeatable)
    #[arg(long, value_name = "PREFIX=MIRROR", env = "BUNDLE_SOURCE", value_delimiter = ',')]
    source: Vec<String>,
}

impl ImageArgs {
    /// The lists, of which one may be standard input.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.select.files
    }

    /// What was asked for.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn selection(
        &self,
        plan: &PlanArgs,
        registry: &RegistryArgs,
        progress: &Progress,
    ) -> Result<Images, Failure> {
        // A shell puts all files in the place of `--base images-*of3.tar`, and the flag takes the first.
        if let Some(file) = self.images.iter().find(|image| is_file(image)) {
            return Err(Failure::usage(
                format!("`{file}` is a file here, not an image"),
                NextStep::GiveFlagForEachFile,
            ));
        }
        self.select.selection(&self.images, !plan.platform.is_empty(), registry, progress)
    }
}

impl SelectArgs {
    /// Whether a list comes from standard input.
    pub(crate) fn reads_stdin(&self) -> bool {
        self.files.iter().any(|path| path.as_os_str() == "-")
    }

    /// These names, and what else was asked for; `has_platforms` where platforms are chosen for all of them.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn selection(
        &self,
        images: &[String],
        has_platforms: bool,
        registry: &RegistryArgs,
        progress: &Progress,
    ) -> Result<Images, Failure> {
        registry.check_stdin("a list", &self.files)?;
        let times = self.files.iter().filter(|path| path.as_os_str() == "-").count();
        if times > 1 {
            let message = "`-f -` twice: standard input can be read once";
            return Err(Failure::usage(message, NextStep::NameOtherFile));
        }
        if times == 1 && std::io::stdin().is_terminal() {
            progress
                .note("reading", "standard input: a list of images is expected there, as from `helm template CHART |`");
        }
        let mut all = Images::default();
        let mut errors: Vec<Error> = Vec::new();
        images.iter().for_each(|image| errors.extend(all.image(image).err()));
        self.files.iter().for_each(|file| errors.extend(all.list(file).err().into_iter().flatten()));
        self.all_tags.iter().for_each(|repository| errors.extend(all.all_tags(repository).err()));
        self.tags.iter().for_each(|text| errors.extend(all.tags(text).err()));
        self.newest.iter().for_each(|most| all.newest(*most));
        self.semver.iter().for_each(|range| errors.extend(all.semver(range).err()));
        self.exclude.iter().for_each(|glob| errors.extend(all.exclude(glob).err()));
        self.source.iter().for_each(|text| errors.extend(all.source(text).err()));
        if errors.is_empty() {
            // Where that is all there is, it says why no image is named.
            tell(&all, has_platforms, progress);
            errors.extend(all.check().err().into_iter().flatten());
        }
        Failure::of(errors).map_or(Ok(all), Err)
    }
}

/// Whether this names a file that somebody has here: no image is called so.
fn is_file(image: &str) -> bool {
    const ENDINGS: [&str; 8] = ["gz", "json", "lock", "tar", "txt", "yaml", "yml", "zst"];
    let path = Path::new(image);
    let has_ending = path.extension().and_then(OsStr::to_str).is_some_and(|ending| ENDINGS.contains(&ending));
    has_ending && path.is_file()
}

/// Says what the lists have besides images.
fn tell(selection: &Images, has_platforms: bool, progress: &Progress) {
    let about = |(text, origins)| {
        let what = if has_platforms {
            format!("{text} alone: --platform decides for all images")
        } else {
            format!("{text} alone, as the list says")
        };
        (what, origins)
    };
    let platforms = selection.platforms().into_iter().map(about).collect::<Vec<_>>();
    let platforms = platforms.iter().map(|(text, origins)| (text.as_str(), *origins)).collect();
    let label = if has_platforms { "not taken" } else { "platforms" };
    for (label, remarks) in [("not taken", selection.not_taken()), ("maybe", selection.maybe()), (label, platforms)] {
        for (text, origins) in remarks {
            let Some((first, others)) = origins.split_first() else { continue };
            let more = if others.is_empty() {
                String::new()
            } else {
                format!(", and {} more", count(others.len() as u64, "place"))
            };
            progress.note(label, &format!("{first}: {text}{more}"));
        }
    }
}
