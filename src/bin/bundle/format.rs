//! What a command answers in.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command, ValueEnum};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    /// Of `list` alone, like the next.
    #[value(hide = true)]
    Csv,
    #[value(hide = true)]
    Html,
}

/// `list`, with two formats more than other commands have.
pub(crate) fn of_list(command: Command) -> Command {
    let parser = PossibleValuesParser::new(["text", "json", "csv", "html"]);
    let format = Arg::new("format").long("format").value_name("FORMAT").env("BUNDLE_FORMAT").default_value("text");
    let format = format.help("Output format").help_heading("Output");
    command.arg(format.value_parser(parser.map(|text| Format::from_str(&text, false).unwrap_or(Format::Text))))
}
