//! What `-h` and `--help` show. Both are the same short lines: `-h` leaves away what few people need, and the
//! variables.

use clap::{Arg, Command};

/// The heading of what few people need. `-h` does without.
pub(crate) const FINE: &str = "Fine tuning";

/// The program with help as it is asked for.
pub(crate) fn for_reader(program: Command, is_short: bool) -> Command {
    let args = |arg: Arg| if is_short { shortened(arg) } else { arg };
    program.mut_args(args).mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let end = if is_short { all_of_it(&name) } else { ending(&name) };
        command.mut_args(args).after_help(format!("{example}\n\n{end}").trim_start().to_owned())
    })
}

/// Somebody wants the short help.
pub(crate) fn is_short() -> bool {
    std::env::args_os().skip(1).any(|arg| arg == "-h")
}

fn shortened(arg: Arg) -> Arg {
    let is_fine = arg.get_help_heading() == Some(FINE);
    let is_hidden = arg.is_hide_set();
    arg.hide_env(true).hide(is_fine || is_hidden)
}

fn all_of_it(name: &str) -> String {
    format!("All of it, with the variables that stand for flags: bundle {name} --help")
}

fn ending(name: &str) -> String {
    format!(
        "Exit status: 0 done; 1 failed, trying again may help; 2 the command line; 3 the content is bad; 4 needs a \
         person: credentials, permission, certificate; 128+n stopped by signal n.\n\
         More: docs/cli.md#{name}"
    )
}
