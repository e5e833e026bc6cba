//! How a command ends: the one JSON object, the messages, the exit status.

use std::process::ExitCode;

use serde::Serialize;

use super::errors::{Ended, Failure, print_all, print_hint};
use super::next_steps::Advice;
use super::progress::Progress;
use super::report::{self, Reports};
use super::report_file::ReportFile;

/// Ends a command that reads bundles: prints the one object, if it is wanted, and hands on what failed.
pub(crate) fn finish<T: Serialize>(
    reports: Option<Reports<T>>,
    failure: Option<Failure>,
    progress: &Progress,
) -> Result<(), Failure> {
    let ended = failure.as_ref().map(|f| Ended::new(f, progress.advice(), "not as it should be: see the findings"));
    report::ended(progress.talk().json, reports.as_ref(), ended);
    failure.map_or(Ok(()), |failure| Err(failure.with_object()))
}

/// Says how it ended: to a person always, and in the one object if nothing else filled it.
pub(crate) fn end(mut failure: Option<Failure>, file: Option<ReportFile>, json: bool, advice: &Advice) -> ExitCode {
    if let Some(failure) = failure.as_ref().filter(|failure| !failure.has_object) {
        report::ended(json, None::<&()>, Some(Ended::new(failure, advice, "")));
    }
    let status = failure.as_ref().map_or(0, |failure| failure.kind.exit_status());
    if let Some(Err(error)) = file.map(|file| file.write(status)) {
        failure = Some(match failure {
            Some(failure) => failure.and(error),
            None => error.into(),
        });
    }
    if let Some(lost) = report::lost() {
        failure = Some(match failure {
            Some(failure) => failure.and(lost),
            None => lost.into(),
        });
    }
    let Some(failure) = failure else { return ExitCode::SUCCESS };
    print_all(&failure.errors, advice);
    failure.last_hint(advice).iter().for_each(|hint| print_hint(hint));
    ExitCode::from(failure.kind.exit_status())
}
