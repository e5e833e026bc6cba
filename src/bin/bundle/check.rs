//! `bundle check`

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Command};
use oci_bundle::NextStep;
use oci_bundle::check::{Check, CheckStatus, Checked, CheckedImage, Platforms};

use super::errors::{Ended, Failure, print_all};
use super::image_args::SelectArgs;
use super::input_args::InputArgs;
use super::plan_args::chosen;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report;
use super::report_file::ReportArgs;
use super::target_args::NamingArgs;
use super::text::{count, shell_word};

/// Check that all images of a list are there: in bundles, or at a registry
#[derive(Args)]
#[command(
    override_usage = "bundle check -f FILE [OPTIONS] [BUNDLE...]",
    after_help = "Example:\n  bundle check images.tar -f chart.yaml\n  bundle check -f chart.yaml --registry 172.18.0.20 --write-missing missing.txt\n\nAn image is there if one of the bundles has it, or the registry under the name that an import would give it. What is not there is said with the files and lines that want it, and the exit status is 4. Nothing is changed, and no image is fetched."
)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    select: SelectArgs,
    #[command(flatten)]
    naming: NamingArgs,
    /// These platforms of the images have to be there too: OS/ARCH[/VARIANT], with commas or repeated
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',', env = "BUNDLE_PLATFORM")]
    platform: Vec<Platforms>,
    /// Write the names of what is not there into this file, a list for `bundle export -f`
    #[arg(long, value_name = "FILE", env = "BUNDLE_WRITE_MISSING")]
    write_missing: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    access: RegistryArgs,
    #[command(flatten)]
    input: InputArgs,
}

impl CheckArgs {
    /// There need be no bundle, but a list.
    pub(crate) fn without_bundles(command: Command) -> Command {
        command.mut_arg("bundles", |arg| arg.required(false)).mut_arg("files", |arg| arg.required(true))
    }

    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        self.access.check_stdin("a bundle", &self.input.bundles)?;
        let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
        if self.input.bundles.iter().any(is_stdin) && self.select.reads_stdin() {
            return Err(Failure::usage("`-` and `-f -`: standard input can be read once", NextStep::NameOtherFile));
        }
        let place = match self.naming.registry {
            Some(_) => Some(self.naming.place("look into", |_| None)?),
            None => None,
        };
        if place.is_none() && self.input.bundles.is_empty() {
            return Err(Failure::usage("no bundle and no registry to look into", NextStep::NameBundlesOrRegistry));
        }
        let images = self.select.selection(&[], !self.platform.is_empty(), &self.access, progress)?;
        let write_missing = self.write_missing.clone();
        let mut check = Check::new(images, self.input.bundles)
            .expect(self.input.expect)
            .required_keys(self.input.keys.required()?)
            .tmpdir(self.input.tmpdir)
            .max_manifests(self.input.max_manifests)
            .max_spool(self.input.max_spool)
            .all_mappings_count(self.naming.all_mappings_count())
            .mappings(self.naming.map)
            .platforms(chosen(&self.platform))
            .write_missing(self.write_missing);
        let (host, namespace) = place.map_or((None, None), |(host, namespace)| (Some(host), namespace));
        check = check.target(host.clone()).registry(self.access.options(host.as_slice(), None)?);
        if let Some(namespace) = namespace {
            check = check.namespace(namespace);
        }
        let mut checked = check.run(progress.clone())?;
        let failure = checked.kind().map(Failure::reported);
        for failure in checked.failures() {
            failure.hint = progress.advice().about(failure.error());
        }
        let ended = failure.as_ref().map(|f| Ended::new(f, progress.advice(), &summary(&checked)));
        report::ended(progress.talk().json, Some(&checked), ended);
        if !progress.talk().json {
            tell(progress, &checked);
            print_all(checked.failures().map(|failure| failure.error()), progress.advice());
            let counts = checked.counts;
            let is_wanting = counts.missing + counts.different + counts.incomplete > 0;
            if let Some(path) = write_missing.filter(|_| is_wanting) {
                let path = path.display().to_string();
                progress.say("next", &format!("bundle export -f {} -o missing.tar", shell_word(&path)));
            }
        }
        failure.map_or(Ok(()), |failure| Err(failure.with_object()))
    }
}

fn tell(progress: &Progress, checked: &Checked) {
    for CheckedImage { name, status, digest, expected, lacks, wanted_by, .. } in &checked.images {
        let wanted_by = if wanted_by.is_empty() { String::new() } else { format!("  ({})", wanted_by.join(", ")) };
        let digest = digest.as_ref().map(ToString::to_string).unwrap_or_default();
        match status {
            CheckStatus::Present => progress.say("present", &format!("{name}  {digest}")),
            CheckStatus::Different => {
                let expected = expected.as_ref().map(ToString::to_string).unwrap_or_default();
                report::labelled("different", &format!("{name}  is {digest}, and not {expected}{wanted_by}"));
            }
            CheckStatus::Incomplete => {
                report::labelled("incomplete", &format!("{name}  without {}{wanted_by}", lacks.join(", ")));
            }
            CheckStatus::Failed => report::labelled("not known", &format!("{name}{wanted_by}")),
            _ => report::labelled("missing", &format!("{name}{wanted_by}")),
        }
    }
    let label = if checked.kind().is_none() { "done" } else { "incomplete" };
    progress.say(label, &summary(checked));
}

fn summary(checked: &Checked) -> String {
    let counts = checked.counts;
    let all = count(checked.images.len() as u64, "image");
    let mut text = format!("{} of {all} there", counts.present);
    let others = [
        (counts.missing, "missing"),
        (counts.different, "with another digest"),
        (counts.incomplete, "incomplete"),
        (counts.failed, "not known"),
    ];
    for (number, what) in others.into_iter().filter(|(number, _)| *number > 0) {
        text.push_str(&format!(" · {number} {what}"));
    }
    text
}
