//! `bundle man`

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use oci_bundle::Error;
use serde::Serialize;

use super::errors::Failure;
use super::progress::Progress;
use super::report;

/// Write the manual pages of this program into a directory
#[derive(Args)]
#[command(
    override_usage = "bundle man DIR",
    after_help = "Example:\n  bundle man /usr/local/share/man/man1\n\nThen `man bundle` and `man bundle-export` show them."
)]
pub(crate) struct ManArgs {
    /// Where the pages go, one for each command; pages of the same names are replaced
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

#[derive(Serialize)]
struct Pages {
    files: Vec<PathBuf>,
}

impl ManArgs {
    pub(crate) fn run(self, program: Command, progress: &Progress) -> Result<(), Failure> {
        let mut program = program.disable_help_subcommand(true);
        program.build();
        std::fs::create_dir_all(&self.directory).map_err(|e| unwritten(&self.directory, e))?;
        let mut pages = Pages { files: vec![write(&program, &self.directory)?] };
        for command in program.get_subcommands() {
            pages.files.push(write(command, &self.directory)?);
        }
        match progress.talk().json {
            true => report::json(Some(&pages), None::<()>),
            false => progress.say("written", &format!("{} pages in {}", pages.files.len(), self.directory.display())),
        }
        Ok(())
    }
}

fn write(command: &Command, directory: &Path) -> Result<PathBuf, Failure> {
    let man = Man::new(command.clone());
    let path = directory.join(man.get_filename());
    man.generate_to(directory).map_err(|e| unwritten(&path, e))?;
    Ok(path)
}

fn unwritten(path: &Path, error: std::io::Error) -> Failure {
    Error::disk("write", path)(error).into()
}
