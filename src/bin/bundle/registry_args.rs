//! The flags of every command that talks to registries, and what they mean to the library.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use oci_bundle::registry::{Credential, PlainHttp, RegistryOptions, Retry, TlsOptions};
use oci_bundle::{Error, Result};

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
    #[arg(long, env = "BUNDLE_INSECURE_SKIP_TLS_VERIFY", value_parser = clap::builder::BoolishValueParser::new())]
    insecure_skip_tls_verify: bool,
    /// How often a failed request is repeated
    #[arg(long, value_name = "N", default_value_t = 5, env = "BUNDLE_RETRIES")]
    retries: u32,
    /// Give a request up after this many seconds without progress
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..), env = "BUNDLE_IDLE_TIMEOUT")]
    idle_timeout: u64,
    /// Send and receive at most this much per second, as in 500KiB or 2M
    #[arg(long, value_name = "SIZE", value_parser = bytes, env = "BUNDLE_LIMIT_RATE")]
    limit_rate: Option<u64>,
    /// Bound of the first delay before a repetition, in milliseconds
    #[arg(long, hide = true, value_name = "MS", default_value_t = 500, env = "BUNDLE_RETRY_DELAY")]
    retry_delay: u64,
}

impl RegistryArgs {
    /// The library's options. Credentials given here are for `hosts`, which must be one then.
    pub(crate) fn options(&self, hosts: &[String], script_credential: Option<String>) -> Result<RegistryOptions> {
        let credential = match (&self.username, self.password()?) {
            (Some(username), Some(password)) => Some(Credential::new(username.clone(), password)),
            (Some(_), None) => {
                return Err(Error::Usage {
                    message: "--username without a password".into(),
                    hint: Some("add --password-stdin, or set BUNDLE_PASSWORD".into()),
                });
            }
            (None, _) => script_credential.map(|v| Credential::from_authorization_value(&v)).transpose()?,
        };
        let login = match (credential, hosts) {
            (None, _) => None,
            (Some(credential), [host]) => Some((host.clone(), credential)),
            (Some(_), several) => {
                return Err(Error::Usage {
                    message: format!("one user name for several registries: {}", several.join(", ")),
                    hint: Some("use the docker configuration or --authfile, which hold one per registry".into()),
                });
            }
        };
        let plain_http = match self.plain_http.as_slice() {
            [] => PlainHttp::None,
            hosts if hosts.iter().any(|h| matches!(h.as_str(), "" | "true" | "1")) => PlainHttp::All,
            hosts => PlainHttp::Hosts(hosts.to_vec()),
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
        let mut password = String::new();
        let read = std::io::stdin().lock().take(64 << 10).read_to_string(&mut password);
        read.map_err(Error::disk("read the password", "standard input"))?;
        let line = password.strip_suffix('\n').unwrap_or(&password);
        Ok(Some(line.strip_suffix('\r').unwrap_or(line).to_owned()))
    }
}

/// A size as people write it: a number and nothing, `K`, `M`, `G` or `T`, with or without `iB` (1024)
/// or `B` (1000).
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit_at);
    let number: u64 = digits.parse().map_err(|_| "a size is a number with a unit, as in 2MiB".to_owned())?;
    let unit = unit.trim().to_ascii_lowercase();
    let (letter, base) = match unit.strip_suffix("ib").or(unit.strip_suffix("i")) {
        Some(letter) => (letter, 1024),
        None => (unit.strip_suffix('b').unwrap_or(&unit), if unit.ends_with('b') { 1000 } else { 1024 }),
    };
    let power = match letter {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        _ => return Err(format!("`{unit}` is no unit; use KiB, MiB, GiB or TiB")),
    };
    let factor = u64::pow(base, power);
    number.checked_mul(factor).filter(|n| *n > 0).ok_or_else(|| "out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, want) in [("1", 1), ("500KiB", 512_000), ("2M", 2 << 20), ("1 GB", 1_000_000_000), ("3kb", 3000)] {
            assert_eq!(bytes(text), Ok(want), "{text}");
        }
        for bad in ["", "0", "fast", "1X", "-1", "99999999999T"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
