//! The command line as clap reads it, and how it is refused: like every error of this program.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use clap::builder::{BoolishValueParser, Resettable};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use oci_bundle::{Error, NextStep};

use super::check::CheckArgs;
use super::completion::CompletionArgs;
use super::copy::CopyArgs;
use super::ending;
use super::errors::{self, Failure};
use super::export::ExportArgs;
use super::format::{self, Format};
use super::help;
use super::import::ImportArgs;
use super::inventory::InventoryArgs;
use super::keygen::KeygenArgs;
use super::list::ListArgs;
use super::login::{LoginArgs, LogoutArgs};
use super::man::ManArgs;
use super::mirror_config::MirrorConfigArgs;
use super::next_steps::Advice;
use super::pack::PackArgs;
use super::registry_args::weakened_by_environment;
use super::serve::ServeArgs;
use super::sign::SignArgs;
use super::verify::VerifyArgs;

/// Carry container images across an air gap in one file, with every digest unchanged.
#[derive(Parser)]
#[command(
    name = "bundle",
    version,
    about,
    max_term_width = 100,
    override_usage = "bundle COMMAND [OPTIONS] ...",
    after_help = "Here: bundle export IMAGE... -o FILE. On the other side: bundle import FILE --registry HOST.\n\n\
Exit status: 0 done; 1 failed, trying again may help; 2 the command line; 3 the content is bad; 4 needs a \
person: credentials, permission, certificate; 128+n stopped by signal n.\n\
All commands, flags and messages: docs/cli.md"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) command: Verb,
}

/// What every command takes.
#[derive(Args, Clone)]
#[command(next_help_heading = "Output")]
pub(crate) struct Shared {
    /// Output format
    #[arg(long, value_enum, default_value = "text", global = true, env = "BUNDLE_FORMAT")]
    pub(crate) format: Format,
    /// Print errors only
    #[arg(short, long, global = true, env = "BUNDLE_QUIET")]
    pub(crate) quiet: bool,
    /// More output: -v every blob and retry, -vv every request
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// No progress bar and no progress lines
    #[arg(long, global = true, env = "BUNDLE_NO_PROGRESS")]
    pub(crate) no_progress: bool,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    Export(ExportArgs),
    Copy(CopyArgs),
    Verify(VerifyArgs),
    List(ListArgs),
    Check(CheckArgs),
    Import(ImportArgs),
    MirrorConfig(MirrorConfigArgs),
    Inventory(InventoryArgs),
    Pack(PackArgs),
    Serve(ServeArgs),
    Sign(SignArgs),
    Keygen(KeygenArgs),
    Login(LoginArgs),
    Logout(LogoutArgs),
    Completion(CompletionArgs),
    Man(ManArgs),
}

impl Verb {
    /// As it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Check(_) => "check",
            Self::Completion(_) => "completion",
            Self::Copy(_) => "copy",
            Self::Export(_) => "export",
            Self::Import(_) => "import",
            Self::Inventory(_) => "inventory",
            Self::Keygen(_) => "keygen",
            Self::List(_) => "list",
            Self::Login(_) => "login",
            Self::Logout(_) => "logout",
            Self::Man(_) => "man",
            Self::MirrorConfig(_) => "mirror-config",
            Self::Pack(_) => "pack",
            Self::Serve(_) => "serve",
            Self::Sign(_) => "sign",
            Self::Verify(_) => "verify",
        }
    }
}

impl Verb {
    /// Where its report goes, of those that move or check something.
    pub(crate) fn report(&self) -> Option<&Path> {
        let args = match self {
            Self::Check(args) => &args.report,
            Self::Copy(args) => &args.report,
            Self::Export(args) => &args.report,
            Self::Import(args) => &args.report,
            Self::Inventory(args) => &args.report,
            Self::Pack(args) => &args.report,
            Self::Verify(args) => &args.report,
            _ => return None,
        };
        args.report.as_deref()
    }
}

/// Parses the command line; with what the environment alone switched off.
pub(crate) fn parse() -> Result<(Cli, Vec<&'static str>), clap::Error> {
    let matches = all().try_get_matches()?;
    let cli = Cli::from_arg_matches(&matches)?;
    if matches!(cli.shared.format, Format::Csv | Format::Html) && !matches!(cli.command, Verb::List(_)) {
        let only = "`--format csv` and `--format html` are only for `bundle list`";
        return Err(all().error(ErrorKind::InvalidValue, only));
    }
    Ok((cli, weakened_by_environment(&matches)))
}

/// One command, with what it takes from the program itself.
pub(crate) fn of(name: &str) -> Command {
    let mut all = all();
    all.build();
    all.find_subcommand(name).cloned().unwrap_or_default()
}

/// The program with all its commands.
pub(crate) fn all() -> Command {
    let command = Cli::command().mut_args(by_environment).mut_subcommand("copy", CopyArgs::with_two_sides);
    let command = command.mut_subcommand("check", CheckArgs::without_bundles);
    let command = command.mut_subcommand("mirror-config", MirrorConfigArgs::without_bundles);
    let command = command.mut_subcommand("list", format::of_list);
    let command = command.mut_subcommands(|command| command.mut_args(by_environment));
    help::for_reader(command, help::is_short())
}

/// How the environment sets an argument. Its values stay out of the help, since one may be a secret. A
/// variable that is empty is none: scripts export what they did not fill in. A switch takes 1 and yes
/// too.
fn by_environment(mut arg: Arg) -> Arg {
    let is_empty = arg.get_env().is_some_and(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()));
    if is_empty {
        arg = arg.env(Resettable::Reset);
    }
    if matches!(arg.get_action(), ArgAction::SetTrue) && arg.get_env().is_some() {
        arg = arg.value_parser(BoolishValueParser::new());
    }
    arg.hide_env_values(true)
}

/// Help and version, which were asked for; or what is wrong, in one line and with what to type.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        errors::print_help(error);
        return ExitCode::SUCCESS;
    }
    let text = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no command was given".into(),
        _ => errors::parsing(error),
    };
    let mut paragraphs = text.trim_start_matches("error: ").split("\n\n").map(one_line);
    let mut message = paragraphs.next().unwrap_or_default();
    if let Some(variable) = variable_behind(error) {
        message.push_str(&format!(" (from the variable {variable})"));
    }
    let tips: Vec<String> = paragraphs.filter_map(|p| Some(p.strip_prefix("tip: ")?.replace('\'', "`"))).collect();
    let name = std::env::args().nth(1).filter(|name| all().find_subcommand(name).is_some());
    let (go_on, tip) = match tips.is_empty() {
        true => (Some(NextStep::ReadHelp { command: name }), None),
        false => (None, Some(tips.join("; "))),
    };
    let failure = Failure { go_on: go_on.map(Box::new), tip, ..Error::usage(message.replace('\'', "`")).into() };
    ending::end(Some(failure), None, wants_json(), &Advice::default())
}

fn one_line(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The variable that a bad value comes from, where no argument gave it.
fn variable_behind(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let long = argument.split_whitespace().next()?.split(['=', '[']).next()?.strip_prefix("--")?;
    let name = std::env::args().nth(1)?;
    let command = of(&name);
    let arg = command.get_arguments().find(|arg| arg.get_long() == Some(long))?;
    let variable = arg.get_env().filter(|name| std::env::var_os(name).is_some())?;
    let mut given = std::env::args_os();
    let short = arg.get_short().map(|short| format!("-{short}"));
    let gives = |text: &OsStr| {
        let text = text.to_string_lossy();
        text == format!("--{long}")
            || text.starts_with(&format!("--{long}="))
            || short.as_ref().is_some_and(|short| text.starts_with(short.as_str()))
    };
    (!given.any(|text| gives(&text))).then(|| variable.to_string_lossy().into_owned())
}

/// Whether JSON was asked for, as far as a command line can tell that cannot be parsed.
fn wants_json() -> bool {
    let args: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let flag = args.iter().any(|arg| arg == "--format=json") || args.windows(2).any(|two| two == ["--format", "json"]);
    let says = args.iter().any(|arg| arg.starts_with("--format"));
    flag || !says && std::env::var_os("BUNDLE_FORMAT").is_some_and(|format| format == "json")
}
