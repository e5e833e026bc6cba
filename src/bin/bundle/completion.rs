//! `bundle completion`

use clap::{Args, Command};
use clap_complete::Shell;
use serde::Serialize;

use super::errors::Failure;
use super::progress::Progress;
use super::report;

/// Print what makes a shell complete the commands and flags of this program
#[derive(Args)]
#[command(
    override_usage = "bundle completion SHELL",
    after_help = "Example:\n  bundle completion bash > /etc/bash_completion.d/bundle\n\nThe shell has it from the next start on."
)]
pub(crate) struct CompletionArgs {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    shell: Shell,
}

#[derive(Serialize)]
struct Completion {
    shell: String,
    script: String,
}

impl CompletionArgs {
    // The commands end alike, whether they can fail or not.
    #[allow(clippy::unnecessary_wraps)]
    pub(crate) fn run(self, mut program: Command, progress: &Progress) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "bundle", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        match progress.talk().json {
            true => report::json(Some(&Completion { shell: self.shell.to_string(), script }), None::<()>),
            false => report::document(&script),
        }
        Ok(())
    }
}
