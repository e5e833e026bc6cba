//! The command `bundle`: typed arguments, one library call, output. The work itself is in the
//! library.

#![forbid(unsafe_code)]

mod errors;
mod escape;
mod export;
mod import;
mod input_args;
mod list;
mod login;
mod next_steps;
mod progress;
mod registry_args;
mod report;
mod secrets;
mod signals;
mod text;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::{BoolishValueParser, Resettable};
use clap::{Arg, ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use errors::Failure;
use oci_bundle::{Event, Watch};
use progress::{Progress, Talk};

/// Carry container images across an air gap in one file, with every digest unchanged.
#[derive(Parser)]
#[command(
    name = "bundle",
    version,
    about,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 failed and trying again may \
help, 2 usage, 3 the content is bad, 4 someone must act, 128+n stopped by signal n."
)]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone)]
#[command(next_help_heading = "Output")]
struct Shared {
    /// How to print what came of it
    #[arg(long, value_enum, default_value = "text", global = true, env = "BUNDLE_FORMAT")]
    format: Format,
    /// Print errors only
    #[arg(short, long, global = true, env = "BUNDLE_QUIET")]
    quiet: bool,
    /// Say more: -v every blob and retry, -vv every request
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// No progress bar and no progress lines
    #[arg(long, global = true, env = "BUNDLE_NO_PROGRESS")]
    no_progress: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    Export(export::ExportArgs),
    Import(import::ImportArgs),
    List(list::ListArgs),
    Login(login::LoginArgs),
    Logout(login::LogoutArgs),
    Verify(verify::VerifyArgs),
}

/// Parses the command line; with what the environment alone switched off.
fn parse() -> Result<(Cli, Vec<&'static str>), clap::Error> {
    let command = Cli::command().mut_args(by_environment);
    let command = command.mut_subcommands(|command| command.mut_args(by_environment));
    let matches = command.try_get_matches()?;
    Ok((Cli::from_arg_matches(&matches)?, registry_args::weakened_by_environment(&matches)))
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

fn main() -> ExitCode {
    secrets::take_note();
    let (cli, weakened) = match parse() {
        Ok(parsed) => parsed,
        Err(e) => {
            let help = !e.use_stderr();
            errors::print_parsing(&e);
            return if help { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    let stop = signals::listen();
    let talk = Talk { quiet: cli.shared.quiet, verbose: cli.shared.verbose, json: cli.shared.format == Format::Json };
    let progress = Arc::new(Progress::new(talk, cli.shared.no_progress, stop));
    for message in weakened {
        progress.on(Event::Warning { message });
    }
    let result = match cli.command {
        Command::Export(args) => args.run(&progress),
        Command::Import(args) => args.run(&progress),
        Command::List(args) => args.run(&progress),
        Command::Login(args) => args.run(&progress),
        Command::Logout(args) => args.run(&progress),
        Command::Verify(args) => args.run(&progress),
    };
    progress.clear();
    let result = match progress.lost() {
        Some(lost) if result.is_ok() => Err(lost.into()),
        _ => result,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { errors, kind, go_on }) => {
            errors.iter().for_each(errors::print);
            go_on.iter().for_each(|hint| errors::print_hint(hint));
            ExitCode::from(kind.exit_status())
        }
    }
}
