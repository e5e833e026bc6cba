//! `bundle login` and `bundle logout`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use oci_bundle::NextStep;
use oci_bundle::login::{Login, logout};

use super::errors::Failure;
use super::progress::Progress;
use super::registry_args::RegistryArgs;
use super::report;
use super::values::registry_host;

/// Check credentials with a registry and keep them in the docker configuration
#[derive(Args)]
#[command(
    override_usage = "bundle login [OPTIONS] HOST[:PORT]",
    after_help = "Example:\n  bundle login 172.18.0.20\n  bundle login 172.18.0.20 --username admin --password-stdin < password.txt\n\nUser name and password are asked for where they are not given."
)]
pub(crate) struct LoginArgs {
    /// The registry
    #[arg(value_name = "HOST[:PORT]")]
    host: String,
    #[command(flatten)]
    registry: RegistryArgs,
}

impl LoginArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let host = registry_host(&self.host)?;
        let options = self.registry.asking()?.options(&[host], None)?;
        let Some((host, credential)) = options.login.clone() else {
            return Err(Failure::usage("no credentials to log in with", NextStep::GiveCredentials));
        };
        let kept = Login::new(host, credential, options).run(progress.clone())?;
        if progress.talk().json {
            report::json(Some(&kept), None::<()>);
            return Ok(());
        }
        let (host, path) = (&kept.registry, kept.file.display().to_string());
        let place = match &kept.helper {
            Some(helper) => format!("the helper {helper}, as {path} asks"),
            None => path,
        };
        if !kept.checked {
            progress.say("unchecked", &format!("{host} does not ask for credentials, so these were not checked"));
        }
        progress.say("logged in", &format!("{host}  credentials kept in {place}"));
        if !kept.narrower.is_empty() {
            let rest = "have entries of their own there, which come first";
            progress.say("note", &format!("{} {rest}", kept.narrower.join(", ")));
        }
        Ok(())
    }
}

/// Forget the credentials of a registry
#[derive(Args)]
#[command(override_usage = "bundle logout [OPTIONS] HOST[:PORT]", after_help = "Example:\n  bundle logout 172.18.0.20")]
pub(crate) struct LogoutArgs {
    /// The registry
    #[arg(value_name = "HOST[:PORT]")]
    host: String,
    /// Forget them in this file instead of the docker configuration
    #[arg(long, value_name = "FILE", env = "BUNDLE_AUTHFILE")]
    authfile: Option<PathBuf>,
}

impl LogoutArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let forgotten = logout(registry_host(&self.host)?, self.authfile)?;
        if progress.talk().json {
            report::json(Some(&forgotten), None::<()>);
            return Ok(());
        }
        let files: Vec<String> = forgotten.files.iter().map(|file| file.display().to_string()).collect();
        progress.say("logged out", &format!("{}  removed from {}", forgotten.registry, files.join(", ")));
        if !forgotten.narrower.is_empty() {
            progress.say("note", &format!("{} have entries of their own, which stay", forgotten.narrower.join(", ")));
        }
        Ok(())
    }
}
