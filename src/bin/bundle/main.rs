//! The command `bundle`: typed arguments, one library call, output. The work itself is in the
//! library.

#![forbid(unsafe_code)]

mod arrived;
mod check;
mod command_line;
mod completion;
mod copy;
mod create;
mod ending;
mod errors;
mod escape;
mod export;
mod format;
mod help;
mod image_args;
mod import;
mod input_args;
mod inventory;
mod key_args;
mod keygen;
mod left_out;
mod list;
mod live;
mod login;
mod man;
mod mirror_config;
mod next_steps;
mod pack;
mod plan_args;
mod progress;
mod prompt;
mod registry_args;
mod report;
mod report_file;
mod secrets;
mod serve;
mod served;
mod side_args;
mod sign;
mod signals;
mod state;
mod target_args;
mod text;
mod values;
mod verify;
mod volumes;
mod with_self;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use command_line::Verb;
use format::Format;
use next_steps::Advice;
use oci_bundle::{Event, Watch};
use progress::{Progress, Talk};
use report_file::ReportFile;

fn main() -> ExitCode {
    secrets::take_note();
    let (cli, weakened) = match command_line::parse() {
        Ok(parsed) => parsed,
        Err(e) => return command_line::refuse(&e),
    };
    let json = cli.shared.format == Format::Json;
    let talk = Talk { quiet: cli.shared.quiet, verbose: cli.shared.verbose, json };
    let advice = Advice::for_command(&command_line::of(cli.command.name()));
    let stop = Arc::new(AtomicUsize::new(0));
    let progress = Arc::new(Progress::new(talk, cli.shared.no_progress, advice.clone(), stop.clone()));
    let watching = progress.clone();
    match &cli.command {
        Verb::Serve(_) => signals::listen_for_server(stop, progress.reloads()),
        _ => signals::listen(stop, move || watching.abandon()),
    }
    for message in weakened {
        progress.on(Event::Warning { message });
    }
    let file = cli.command.report().map(|path| ReportFile::open(path, cli.command.name())).transpose();
    let (file, refused) = match file {
        Ok(file) => (file, None),
        Err(error) => (None, Some(error)),
    };
    let result = match cli.command {
        // Before anything is done that nobody could file.
        _ if refused.is_some() => refused.map_or(Ok(()), |error| Err(error.into())),
        Verb::Check(args) => args.run(&progress),
        Verb::Completion(args) => args.run(command_line::all(), &progress),
        Verb::Copy(args) => args.run(&progress),
        Verb::Export(args) => args.run(&progress),
        Verb::Import(args) => args.run(&progress),
        Verb::Inventory(args) => args.run(&progress),
        Verb::Keygen(args) => args.run(&progress),
        Verb::List(args) => args.run(cli.shared.format, &progress),
        Verb::Login(args) => args.run(&progress),
        Verb::Logout(args) => args.run(&progress),
        Verb::Man(args) => args.run(command_line::all(), &progress),
        Verb::MirrorConfig(args) => args.run(&progress),
        Verb::Pack(args) => args.run(&progress),
        Verb::Serve(args) => args.run(&progress),
        Verb::Sign(args) => args.run(&progress),
        Verb::Verify(args) => args.run(&progress),
    };
    progress.clear();
    ending::end(result.err(), file, json, &advice)
}
