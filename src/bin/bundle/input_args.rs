//! The arguments of every command that reads bundles.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use oci_bundle::{Expectation, NextStep};

use super::errors::Failure;
use super::help::FINE;
use super::key_args::KeyArgs;
use super::progress::Progress;
use super::text::parse_size;

/// What to read
#[derive(Args, Clone)]
pub(crate) struct InputArgs {
    /// Bundles; layouts of other tools, as tar (.gz, .zst) or directory, too; `-` is standard input
    #[arg(value_name = "BUNDLE", required = true, help_heading = None::<&str>)]
    pub(crate) bundles: Vec<PathBuf>,
    /// Take nothing but this bundle (sha256:…) or this image (NAME@sha256:…); repeatable
    #[arg(long, value_name = "DIGEST", help_heading = None::<&str>, env = "BUNDLE_EXPECT", value_delimiter = ',')]
    pub(crate) expect: Vec<Expectation>,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    /// Where standard input and compressed bundles are unpacked to
    #[arg(long, help_heading = FINE, value_name = "DIR", env = "BUNDLE_TMPDIR")]
    pub(crate) tmpdir: Option<PathBuf>,
    /// Write at most this much there, as in 200GiB; without it, as much as there is room for
    #[arg(long, help_heading = FINE, value_name = "SIZE", value_parser = parse_size, env = "BUNDLE_MAX_SPOOL")]
    pub(crate) max_spool: Option<u64>,
    /// Hold at most this much of manifests in memory, as in 2GiB
    #[arg(long, help_heading = FINE, value_name = "SIZE", value_parser = parse_size, default_value = "1GiB", env = "BUNDLE_MAX_MANIFESTS")]
    pub(crate) max_manifests: u64,
}

impl InputArgs {
    /// That standard input is read once at most; and says so where somebody would wait for nothing.
    ///
    /// # Errors
    /// It is named twice.
    pub(crate) fn check(&self, progress: &Progress) -> Result<(), Failure> {
        let times = self.bundles.iter().filter(|path| path.as_os_str() == "-").count();
        if times > 1 {
            let message = "`-` twice: standard input can be read once";
            return Err(Failure::usage(message, NextStep::NameOtherFile));
        }
        if times == 1 && std::io::stdin().is_terminal() {
            progress.note("reading", "standard input: a bundle is expected there, as from `ssh HOST cat FILE |`");
        }
        Ok(())
    }
}
