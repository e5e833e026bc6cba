//! The arguments of every command that is told which images: names, and lists of names.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use oci_bundle::Error;
use oci_bundle::images::Images;

use super::errors::Failure;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::text::count;

/// Names of images, and what says which others.
#[derive(Args, Clone)]
pub(crate) struct ImageArgs {
    // Not a doc comment: rustdoc would take the brackets for a link.
    #[arg(
        value_name = "IMAGE",
        required_unless_present_any = ["files"],
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
    /// Take the images that this list names, or standard input with `-` (repeatable): names line by line,
    /// Kubernetes, compose, hauler, skopeo, zarf, oc-mirror, imgpkg, regsync and others, known by their content
    #[arg(short, long = "file", value_name = "FILE", env = "BUNDLE_FILE")]
    files: Vec<PathBuf>,
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
    pub(crate) fn selection(&self, registry: &RegistryArgs, progress: &Progress) -> Result<Images, Failure> {
        self.select.selection(&self.images, registry, progress)
    }
}

impl SelectArgs {
    /// These names, and what else was asked for.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn selection(
        &self,
        images: &[String],
        registry: &RegistryArgs,
        progress: &Progress,
    ) -> Result<Images, Failure> {
        registry.check_stdin("a list", &self.files)?;
        let times = self.files.iter().filter(|path| path.as_os_str() == "-").count();
        if times > 1 {
            return Err(Failure::usage(
                "`-f -` twice: standard input can be read once",
                "name the other one as a file",
            ));
        }
        if times == 1 && std::io::stdin().is_terminal() {
            progress
                .note("reading", "standard input: a list of images is expected there, as from `helm template CHART |`");
        }
        let mut selection = Images::default();
        let mut errors: Vec<Error> = Vec::new();
        images.iter().for_each(|image| errors.extend(selection.image(image).err()));
        self.files.iter().for_each(|file| errors.extend(selection.list(file).err().into_iter().flatten()));
        match Failure::of(errors) {
            Some(failure) => Err(failure),
            None => {
                tell(&selection, progress);
                Ok(selection)
            }
        }
    }
}

/// Says what the lists have besides images.
fn tell(selection: &Images, progress: &Progress) {
    for (label, remarks) in [("not taken", selection.not_taken()), ("maybe", selection.maybe())] {
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
