//! The flags of every command that talks to registries, and what they mean to the library.

use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use oci_bundle::oci::{Host, Invalid};
use oci_bundle::registry::{Credential, PlainHttp, RegistryOptions, Retry, TlsOptions};
use oci_bundle::{Error, NextStep, Result};

use super::errors::Failure;
use super::prompt;
use super::text::parse_size;

/// Registry access
#[derive(Args, Clone)]
#[command(next_help_heading = "Registry access")]
pub(crate) struct RegistryArgs {
    /// Requests in flight per host
    #[arg(short, long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256), env = "BUNDLE_JOBS")]
    pub(crate) jobs: u16,
    /// Read credentials from this file instead of the docker and podman configuration
    #[arg(long, value_name = "FILE", env = "BUNDLE_AUTHFILE")]
    authfile: Option<PathBuf>,
    /// User name for the registry; needs --password-stdin or BUNDLE_PASSWORD
    #[arg(long, value_name = "NAME", env = "BUNDLE_USERNAME")]
    username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// Trust the certificates in this file too (PEM, repeatable)
    #[arg(long, value_name = "FILE", env = "BUNDLE_CA_FILE", value_delimiter = ':')]
    ca_file: Vec<PathBuf>,
    /// Client certificate (PEM)
    #[arg(long, value_name = "FILE", env = "BUNDLE_CERT")]
    cert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", env = "BUNDLE_KEY", requires = "cert")]
    key: Option<PathBuf>,
    /// Use http without TLS: for every registry, or with =HOST for this one (repeatable)
    #[arg(long, value_name = "HOST", num_args = 0..=1, require_equals = true, default_missing_value = "", env = "BUNDLE_PLAIN_HTTP")]
    plain_http: Vec<String>,
    /// Accept any certificate: anyone on the way can read and change what is sent
    #[arg(long, env = "BUNDLE_INSECURE_SKIP_TLS_VERIFY")]
    insecure_skip_tls_verify: bool,
    /// How often a failed request is repeated
    #[arg(long, value_name = "N", default_value_t = 5, env = "BUNDLE_RETRIES")]
    retries: u32,
    /// Give a request up after this many seconds without progress
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..), env = "BUNDLE_IDLE_TIMEOUT")]
    idle_timeout: u64,
    /// Send and receive at most this much per second, as in 500KiB or 2MB
    #[arg(long, value_name = "SIZE", value_parser = parse_size, env = "BUNDLE_LIMIT_RATE")]
    limit_rate: Option<u64>,
    /// Bound of the first delay before a repetition, in milliseconds
    #[arg(long, hide = true, value_name = "MS", default_value_t = 500, env = "BUNDLE_RETRY_DELAY")]
    retry_delay: u64,
}

/// What is less safe since a variable says so and nobody typed it, each as a warning.
pub(crate) fn weakened_by_environment(matches: &ArgMatches) -> Vec<&'static str> {
    let Some((_, matches)) = matches.subcommand() else { return Vec::new() };
    let by_variable =
        |id: &str| matches.ids().any(|known| known == id) && matches.value_source(id) == Some(ValueSource::EnvVariable);
    let mut warnings = Vec::new();
    if by_variable("plain_http") && matches.get_many::<String>("plain_http").is_some_and(|mut v| !v.all(|v| is_no(v))) {
        warnings.push("BUNDLE_PLAIN_HTTP is set: registries are spoken to without TLS, and everyone on the way can read and change it");
    }
    if by_variable("insecure_skip_tls_verify") && matches.get_flag("insecure_skip_tls_verify") {
        warnings.push("BUNDLE_INSECURE_SKIP_TLS_VERIFY is set: any certificate is taken, and anyone on the way can read and change what is sent");
    }
    warnings
}

/// A variable of this value asks for nothing.
/// A registry, as it is typed.
///
/// # Errors
/// It is none; with a scheme it says so.
pub(crate) fn registry_host(text: &str) -> Result<Host> {
    if text.contains("://") {
        let authority = text.split("://").nth(1).unwrap_or_default().trim_end_matches('/');
        // What is said to do is not searched for secrets.
        let host = authority.rsplit('@').next().unwrap_or_default().to_owned();
        let message = format!("registry `{text}`: leave out the scheme (http: --plain-http)");
        return Err(Error::Usage { message, next: Some(NextStep::LeaveOutScheme { host }) });
    }
    text.parse().map_err(|e: Invalid| Error::usage(e.to_string()))
}

/// A value that switches something on, as clap reads one.
fn is_yes(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on" | "y" | "t")
}

fn is_no(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off" | "n" | "f")
}

impl RegistryArgs {
    /// The library's options. Credentials given here are for `hosts`, which must be one then.
    pub(crate) fn options(
        &self,
        hosts: &[Host],
        script_credential: Option<String>,
    ) -> Result<RegistryOptions, Failure> {
        let credential = match (&self.username, self.password()?) {
            (Some(username), Some(password)) => Some(Credential::new(username.clone(), password)),
            (Some(_), None) => {
                return Err(Failure::usage(
                    "--username without a password",
                    "add --password-stdin, or set BUNDLE_PASSWORD",
                ));
            }
            (None, _) => script_credential.map(|v| Credential::from_authorization_value(&v)).transpose()?,
        };
        let login = match (credential, hosts) {
            (None, _) => None,
            (Some(credential), [host]) => Some((host.clone(), credential)),
            (Some(_), several) => {
                let several: Vec<&str> = several.iter().map(Host::as_str).collect();
                let message = format!("one user name for several registries: {}", several.join(", "));
                let instead = "use the docker configuration or --authfile, which hold one per registry";
                return Err(Failure::usage(message, instead));
            }
        };
        let plain_http = match self.plain_http.as_slice() {
            [] => PlainHttp::None,
            [only] if is_no(only) => PlainHttp::None,
            given if given.iter().any(|h| h.is_empty() || is_yes(h)) => PlainHttp::All,
            given => {
                let parsed = given.iter().map(|host| registry_host(host));
                let plain: Vec<Host> =
                    parsed.collect::<Result<_>>().map_err(|e| Error::usage(format!("--plain-http: {e}")))?;
                // A variable may be set for all commands; what was typed is meant for this one.
                let is_typed = std::env::var("BUNDLE_PLAIN_HTTP").ok().is_none_or(|set| *given != [set]);
                if let Some(other) = plain.iter().find(|one| is_typed && !hosts.contains(one)) {
                    let there: Vec<&str> = hosts.iter().map(Host::as_str).collect();
                    let message = format!("--plain-http={other}: this command has nothing to do with {other}");
                    return Err(Failure::usage(message, &format!("its registries are: {}", there.join(", "))));
                }
                PlainHttp::Hosts(plain)
            }
        };
        let mut options = RegistryOptions::default();
        options.authfile.clone_from(&self.authfile);
        options.idle_timeout = Duration::from_secs(self.idle_timeout);
        options.jobs = usize::from(self.jobs);
        options.limit_rate = self.limit_rate;
        options.login = login;
        options.plain_http = plain_http;
        options.retry = Retry { times: self.retries, delay: Duration::from_millis(self.retry_delay) };
        options.tls = TlsOptions {
            ca_files: self.ca_file.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            insecure_skip_verify: self.insecure_skip_tls_verify,
        };
        Ok(options)
    }

    fn password(&self) -> Result<Option<String>> {
        if !self.password_stdin {
            return Ok(std::env::var("BUNDLE_PASSWORD").ok());
        }
        prompt::password().map(Some)
    }

    /// The same for somebody who is there to be asked for what is missing.
    pub(crate) fn asking(mut self) -> Result<Self> {
        if self.username.is_none() && prompt::is_possible() {
            self.username = Some(prompt::line("User name: ")?).filter(|name| !name.is_empty());
        }
        let has_password = self.password_stdin || std::env::var_os("BUNDLE_PASSWORD").is_some();
        self.password_stdin |= self.username.is_some() && !has_password && prompt::is_possible();
        Ok(self)
    }

    /// That standard input is not wanted for two things at once.
    ///
    /// # Errors
    /// It is read as one of these already, or as a password.
    pub(crate) fn check_stdin(&self, what: &str, files: &[PathBuf]) -> Result<(), Failure> {
        let is_read = files.iter().any(|path| path.as_os_str() == "-");
        match self.password_stdin && is_read {
            true => Err(Failure::usage(
                format!("standard input cannot be {what} and the password"),
                "name a file in place of `-`, or set BUNDLE_PASSWORD",
            )),
            false => Ok(()),
        }
    }
}
