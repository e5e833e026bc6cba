//! How errors reach a person: one line each, then what to do about it. In JSON they are a part of
//! the one object.

use std::io::Write as _;

use oci_bundle::copy::PlanFailed;
use oci_bundle::export::ExportFailed;
use oci_bundle::registry::redacted;
use oci_bundle::{Error, Kind, NextStep};
use serde::Serialize;

use super::escape::{harmless, harmless_lines};
use super::next_steps::Advice;
use super::text::{escaped, size};

/// What a command failed with.
pub(crate) struct Failure {
    /// What went wrong.
    pub(crate) errors: Vec<Error>,
    /// The one JSON object is printed.
    pub(crate) has_object: bool,
    /// Decides the exit status.
    pub(crate) kind: Kind,
    /// How to go on, after all errors.
    pub(crate) go_on: Option<Box<NextStep>>,
    /// What the parser of the command line suggests.
    pub(crate) tip: Option<String>,
}

impl Failure {
    /// What the report has said by itself.
    pub(crate) fn reported(kind: Kind) -> Self {
        Self { errors: Vec::new(), has_object: false, kind, go_on: None, tip: None }
    }

    /// These, of which the gravest decides; `None` if there are none.
    pub(crate) fn of(errors: Vec<Error>) -> Option<Self> {
        let kind = errors.iter().map(Error::kind).reduce(Kind::graver)?;
        Some(Self { errors, has_object: false, kind, go_on: None, tip: None })
    }

    /// A command line that cannot be carried out, with what to type instead.
    pub(crate) fn usage(message: impl Into<String>, instead: NextStep) -> Self {
        Error::Usage { message: message.into(), next: Some(instead) }.into()
    }

    /// The hint after all errors.
    pub(crate) fn last_hint(&self, advice: &Advice) -> Option<String> {
        let go_on = self.go_on.as_deref().and_then(|step| advice.about_steps(std::slice::from_ref(step)));
        go_on.or_else(|| self.tip.clone())
    }

    /// With the object printed that tells it.
    pub(crate) fn with_object(self) -> Self {
        Self { has_object: true, ..self }
    }

    /// With one more error, which may be the graver one.
    pub(crate) fn and(mut self, error: Error) -> Self {
        self.kind = self.kind.graver(error.kind());
        self.errors.push(error);
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = error.kind();
        let go_on = matches!(kind, Kind::Interrupted(_)).then(|| Box::new(NextStep::GoOn));
        Self { kind, errors: vec![error], has_object: false, go_on, tip: None }
    }
}

impl From<PlanFailed> for Failure {
    fn from(failed: PlanFailed) -> Self {
        let kind = failed.errors.iter().map(Error::kind).reduce(Kind::graver).unwrap_or(Kind::Failed);
        let go_on = matches!(kind, Kind::Interrupted(_)).then(|| Box::new(NextStep::GoOn));
        Self { errors: failed.errors, has_object: false, kind, go_on, tip: None }
    }
}

impl From<ExportFailed> for Failure {
    fn from(failed: ExportFailed) -> Self {
        let go_on = failed.leftover.as_ref().map(|path| {
            let kept = failed.leftover_bytes.map(|(bytes, all)| format!("{} of {}", size(bytes), size(all)));
            Box::new(NextStep::GoOnWith { path: path.clone(), kept })
        });
        let kind = failed.kind();
        let go_on = go_on.or_else(|| matches!(kind, Kind::Interrupted(_)).then(|| Box::new(NextStep::GoOn)));
        Self { kind, errors: failed.errors, has_object: false, go_on, tip: None }
    }
}

/// One error in JSON.
#[derive(Serialize)]
struct Told {
    kind: Kind,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// How a command failed, in JSON: `error` is the one that decides the exit status.
#[derive(Serialize)]
pub(crate) struct Ended {
    error: Told,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Told>,
}

impl Ended {
    /// The same as a person is told. `summary` is the message where the report holds the errors.
    pub(crate) fn new(failure: &Failure, advice: &Advice, summary: &str) -> Self {
        let told = |error: &Error| Told {
            kind: error.kind(),
            message: error.to_string(),
            hint: advice.about(error).or_else(|| failure.last_hint(advice)),
        };
        let decisive = failure.errors.iter().find(|error| error.kind() == failure.kind);
        let error = match decisive {
            Some(error) => told(error),
            None => Told { kind: failure.kind, message: summary.into(), hint: failure.last_hint(advice) },
        };
        let errors = if failure.errors.len() > 1 { failure.errors.iter().map(told).collect() } else { Vec::new() };
        Self { error, errors }
    }
}

/// What the parser of the command line has to say. What was typed, or stands in a variable, may be in it.
pub(crate) fn parsing(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let variables = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BUNDLE_"));
    let typed = std::env::args_os().chain(variables.map(|(_, value)| value));
    let typed = typed.map(|word| word.to_string_lossy().into_owned());
    // clap takes an argument apart, and so may be quoted a part of it.
    let parts = typed.flat_map(|word| {
        let parts: Vec<String> = word.split([',', '=']).map(str::to_owned).collect();
        std::iter::once(word).chain(parts)
    });
    harmless_lines(&redacted(&text), parts)
}

/// Prints help, or the version: with colours where nothing was to hide.
pub(crate) fn print_help(error: &clap::Error) {
    let shown = parsing(error);
    // A closed pipe is nobody's fault.
    let _ = match shown == error.render().to_string() {
        true => error.print(),
        false => write!(std::io::stdout().lock(), "{shown}"),
    };
}

/// Prints errors and what to do about each to standard error: one line for each cause, with all the
/// places where it stopped something.
pub(crate) fn print_all<'a>(errors: impl IntoIterator<Item = &'a Error>, advice: &Advice) {
    let mut causes: Vec<Vec<&Error>> = Vec::new();
    for error in errors {
        // What may pass is looked at one by one; what a person has to remove is removed for all.
        let may_pass = error.kind() == Kind::Transient;
        match causes.iter_mut().find(|alike| !may_pass && alike[0].has_same_cause(error)) {
            Some(alike) => alike.push(error),
            None => causes.push(vec![error]),
        }
    }
    for alike in causes {
        let (first, others) = (alike[0], &alike[1..]);
        let more = match others.len() {
            0 => String::new(),
            many => format!(" (and {many} more like it{})", elsewhere(first, others)),
        };
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "bundle: {}", escaped(&format!("{first}{more}")));
        advice.about(first).iter().for_each(|hint| print_hint(hint));
    }
}

/// The places of some errors, as far as they are others than that of the first: of each the outermost.
fn elsewhere(first: &Error, others: &[&Error]) -> String {
    let here = first.places();
    let mut told: Vec<&str> = Vec::new();
    for other in others {
        let there = other.places().into_iter().find(|place| !here.contains(place) && !told.contains(place));
        told.extend(there);
    }
    if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) }
}

/// Prints that somebody stopped the command, what of it is not done, and how to go on.
pub(crate) fn print_interrupted(undone: &str, advice: &Advice) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "bundle: interrupted: {}", escaped(undone));
    advice.about_steps(&[NextStep::GoOn]).iter().for_each(|hint| print_hint(hint));
}

/// Prints how to go on to standard error. That is our own words, and names that a person typed: a password that
/// is a word must not tear holes in them.
pub(crate) fn print_hint(hint: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "hint: {}", harmless(hint));
}
