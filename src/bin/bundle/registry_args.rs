//! The flags of every command that talks to registries, and what they mean to the library.

use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use oci_bundle::oci::Host;
use oci_bundle::registry::{RegistryOptions, Retry};
use oci_bundle::{NextStep, Result};

use super::errors::Failure;
use super::help::FINE;
use super::prompt;
use super::side_args::{Side, TargetSide};
use super::text::parse_size;
use super::values::is_no;

/// Registry access
#[derive(Args, Clone)]
#[command(next_help_heading = "Registry access")]
pub(crate) struct RegistryArgs {
    #[command(flatten)]
    side: TargetSide,
    /// Requests in flight per host
    #[arg(short, long, help_heading = FINE, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256), env = "BUNDLE_JOBS")]
    pub(crate) jobs: u16,
    /// How often a failed request is repeated
    #[arg(long, help_heading = FINE, value_name = "N", default_value_t = 5, env = "BUNDLE_RETRIES")]
    retries: u32,
    /// Give a request up after this many seconds without progress
    #[arg(long, help_heading = FINE, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..), env = "BUNDLE_IDLE_TIMEOUT")]
    idle_timeout: u64,
    /// Send and receive at most this much per second, as in 500KiB or 2MB
    #[arg(long, help_heading = FINE, value_name = "SIZE", value_parser = parse_size, env = "BUNDLE_LIMIT_RATE")]
    limit_rate: Option<u64>,
    /// Bound of the first delay before a repetition, in milliseconds
    #[arg(long, hide = true, value_name = "MS", default_value_t = 500, env = "BUNDLE_RETRY_DELAY")]
    retry_delay: u64,
}

const NO_TLS: &str =
    "BUNDLE_PLAIN_HTTP is set: registries are spoken to without TLS, and everyone on the way can read and change it";
const ANY_CERTIFICATE: &str = "BUNDLE_INSECURE_SKIP_TLS_VERIFY is set: any certificate is taken, and anyone on the way can read and change what is sent";
const NO_TLS_AT_SOURCE: &str =
    "BUNDLE_SRC_PLAIN_HTTP is set: the source is spoken to without TLS, and everyone on the way can read and change it";
const ANY_CERTIFICATE_AT_SOURCE: &str = "BUNDLE_SRC_INSECURE_SKIP_TLS_VERIFY is set: any certificate is taken of the source, and anyone on the way can read and change what it sends";

/// What is less safe since a variable says so and nobody typed it, each as a warning.
pub(crate) fn weakened_by_environment(matches: &ArgMatches) -> Vec<&'static str> {
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    let by_variable =
        |id: &str| matches.ids().any(|known| known == id) && matches.value_source(id) == Some(ValueSource::EnvVariable);
    let mut warnings = Vec::new();
    let sides = [
        ("plain-http", "insecure-skip-tls-verify", [NO_TLS, ANY_CERTIFICATE]),
        ("src-plain-http", "src-insecure-skip-tls-verify", [NO_TLS_AT_SOURCE, ANY_CERTIFICATE_AT_SOURCE]),
    ];
    for (plain, insecure, [no_tls, any_certificate]) in sides {
        if by_variable(plain) && matches.get_many::<String>(plain).is_some_and(|mut v| !v.all(|v| is_no(v))) {
            warnings.push(no_tls);
        }
        if by_variable(insecure) && matches.get_flag(insecure) {
            warnings.push(any_certificate);
        }
    }
    warnings
}

impl RegistryArgs {
    /// The library's options. Credentials given here are for `hosts`, which must be one then.
    pub(crate) fn options(
        &self,
        hosts: &[Host],
        script_credential: Option<String>,
    ) -> Result<RegistryOptions, Failure> {
        self.options_of(&self.side.clone().into(), hosts, script_credential)
    }

    /// The same for another side of the command, which has its own credentials and trust.
    pub(crate) fn options_of(
        &self,
        side: &Side,
        hosts: &[Host],
        script_credential: Option<String>,
    ) -> Result<RegistryOptions, Failure> {
        let mut options = RegistryOptions::default();
        options.authfile.clone_from(&side.authfile);
        options.idle_timeout = Duration::from_secs(self.idle_timeout);
        options.jobs = usize::from(self.jobs);
        options.limit_rate = self.limit_rate;
        options.login = side.login(hosts, script_credential)?;
        options.plain_http = side.plain_http(hosts)?;
        options.retry = Retry { times: self.retries, delay: Duration::from_millis(self.retry_delay) };
        options.tls = side.tls();
        Ok(options)
    }

    /// The flags that say how the registry speaks, as they are typed again.
    pub(crate) fn trust_words(&self) -> Vec<String> {
        let files = self.side.ca_file.iter().flat_map(|file| ["--ca-file".to_owned(), file.display().to_string()]);
        let hosts = self.side.plain_http.iter().filter(|host| !is_no(host));
        let plain =
            hosts.map(|host| if host.is_empty() { "--plain-http".into() } else { format!("--plain-http={host}") });
        files.chain(plain).collect()
    }

    /// The name that was given.
    pub(crate) fn username(&self) -> Option<String> {
        self.side.username.clone()
    }

    /// The same for whoever shows nobody who he is.
    pub(crate) fn without_login(mut self) -> Self {
        (self.side.username, self.side.password_stdin) = (None, false);
        self
    }

    /// The same for somebody who is there to be asked for what is missing.
    pub(crate) fn asking(mut self) -> Result<Self> {
        let side = &mut self.side;
        if side.username.is_none() && prompt::is_possible() {
            side.username = Some(prompt::line("User name: ")?).filter(|name| !name.is_empty());
        }
        let has_password = side.password_stdin || std::env::var_os("BUNDLE_PASSWORD").is_some();
        side.password_stdin |= side.username.is_some() && !has_password && prompt::is_possible();
        Ok(self)
    }

    /// That standard input is not wanted for the passwords of two sides.
    ///
    /// # Errors
    /// It is.
    pub(crate) fn check_one_password(&self, other: &Side) -> Result<(), Failure> {
        match self.side.password_stdin && other.password_stdin {
            true => {
                let flag = other.flag("password-stdin");
                let message = format!("standard input cannot be two passwords: --password-stdin and {flag}");
                Err(Failure::usage(message, NextStep::SetPassword { variable: other.password.into() }))
            }
            false => Ok(()),
        }
    }

    /// That standard input is not wanted for two things at once.
    ///
    /// # Errors
    /// It is read as one of these already, or as a password.
    pub(crate) fn check_stdin(&self, what: &str, files: &[PathBuf]) -> Result<(), Failure> {
        Side::from(self.side.clone()).check_stdin(what, files)
    }
}
