//! Volumes as a person asks for them: how long they may be, and what is done with each.

use std::process::{Command, Stdio};
use std::sync::Arc;

use clap::Args;
use oci_bundle::export::ExportedVolume;
use oci_bundle::{Error, Result, VolumeStep, Watch};

use super::errors::Failure;
use super::progress::Progress;
use super::prompt;
use super::text::{parse_size, shell_word};

/// What a file system takes of a disc besides files, in bytes.
const OF_DISC: u64 = 1 << 20;
/// The longest file on FAT32: its length has 32 bits.
const FAT32: u64 = u32::MAX as u64;
/// 80 minutes, of 2048 bytes in a sector.
const CD: u64 = 359_844 * 2048 - OF_DISC;
/// DVD+R, which is the shorter one: ECMA-349.
const DVD: u64 = 2_295_104 * 2048 - OF_DISC;
/// BD-R of one layer, with the spare areas that it is formatted with.
const BD: u64 = 11_826_176 * 2048 - OF_DISC;

/// How long a volume may be: a size, or what has to take it.
fn volume_size(text: &str) -> Result<u64, String> {
    match text.to_ascii_lowercase().as_str() {
        "bd" => Ok(BD),
        "cd" => Ok(CD),
        "dvd" => Ok(DVD),
        "fat32" => Ok(FAT32),
        _ => parse_size(text).map_err(|e| format!("{e}; or fat32, cd, dvd or bd")),
    }
}

/// Into how many files, and who takes them.
#[derive(Args)]
pub(crate) struct VolumeArgs {
    /// Divide the bundle into files of at most this size, FILE-1of3.tar and so on: as in 4GiB, or fat32, cd, dvd, bd
    #[arg(long, value_name = "SIZE", value_parser = volume_size, env = "BUNDLE_VOLUME_SIZE")]
    pub(crate) volume_size: Option<u64>,
    /// Run this command (by sh) when a volume is finished, with its path in BUNDLE_VOLUME: it may move it away
    #[arg(long, value_name = "COMMAND", requires = "volume_size", env = "BUNDLE_VOLUME_SCRIPT")]
    volume_script: Option<String>,
    /// Wait at the terminal when a volume is finished, so that the drive can be changed
    #[arg(long, requires = "volume_size")]
    pause: bool,
}

impl VolumeArgs {
    /// That somebody is there to be asked.
    ///
    /// # Errors
    /// Nobody is.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.pause && !prompt::is_possible() {
            return Err(Failure::usage("--pause: there is no terminal to ask at", VolumeStep::GiveScript.into()));
        }
        Ok(())
    }

    /// Whoever takes finished volumes, where somebody does.
    pub(crate) fn taker(
        self,
        progress: &Arc<Progress>,
    ) -> Option<impl Fn(&ExportedVolume) -> Result<()> + Send + Sync + 'static> {
        let (progress, script, pause) = (progress.clone(), self.volume_script, self.pause);
        let is_asked_for = script.is_some() || pause;
        is_asked_for.then_some(move |volume: &ExportedVolume| hand_on(&progress, script.as_deref(), pause, volume))
    }
}

/// Runs the command, and waits for the person, after a volume is finished.
fn hand_on(progress: &Arc<Progress>, script: Option<&str>, pause: bool, volume: &ExportedVolume) -> Result<()> {
    if let Some(script) = script {
        run(script, volume)?;
        if let Some(signal) = progress.stopped() {
            return Err(Error::Interrupted { signal });
        }
    }
    // After the last one nothing has to go anywhere.
    if pause && volume.number < volume.count {
        let (path, number, count) = (volume.bundle.display(), volume.number, volume.count);
        let file = shell_word(&path.to_string()).into_owned();
        let question = format!("{file} is finished ({number} of {count}). Change the drive, then press Enter: ");
        let is_answered = prompt::enter(&question)?;
        if let Some(signal) = progress.stopped() {
            return Err(Error::Interrupted { signal });
        }
        // Writing on might be to the drive that is full.
        if !is_answered {
            return Err(Error::undone(format!("{file}: Enter was not pressed"), VolumeStep::GiveScript.into()));
        }
    }
    Ok(())
}

fn run(script: &str, volume: &ExportedVolume) -> Result<()> {
    let failed = |what: String| {
        let reason = format!("{}: --volume-script: {what}", volume.bundle.display());
        Error::undone(reason, VolumeStep::MendScript.into())
    };
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null());
    // What this program prints there is data.
    command.stdout(Stdio::from(std::io::stderr()));
    command.env("BUNDLE_VOLUME", &volume.bundle);
    command.env("BUNDLE_VOLUME_NUMBER", volume.number.to_string());
    command.env("BUNDLE_VOLUME_COUNT", volume.count.to_string());
    for secret in ["BUNDLE_KEY_PASSWORD", "BUNDLE_PASSWORD", "AUTHCRED"] {
        command.env_remove(secret);
    }
    let status = command.status().map_err(|e| failed(e.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(format!("it ended with {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_as_long_as_what_takes_it() {
        assert_eq!(volume_size("fat32"), Ok(4_294_967_295));
        assert_eq!(volume_size("200MiB"), Ok(200 << 20));
        assert_eq!(volume_size("CD"), Ok(735_911_936));
        assert_eq!(volume_size("dvd"), Ok(4_699_324_416));
        assert_eq!(volume_size("bd"), Ok(24_218_959_872));
        assert!(volume_size("floppy").is_err());
    }
}
