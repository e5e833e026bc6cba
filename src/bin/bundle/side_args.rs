//! Who we are at a registry, and whom we trust there: the flags that a command has once for each of its sides.

use std::path::PathBuf;

use clap::Args;
use oci_bundle::oci::Host;
use oci_bundle::registry::{Credential, PlainHttp, TlsOptions};
use oci_bundle::{Error, NextStep, Result};

use super::errors::Failure;
use super::help::FINE;
use super::prompt;
use super::values::{is_no, is_yes, registry_host};

/// The registries that a command is told about by one set of flags.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// In front of each of its flags, after the two dashes.
    pub(crate) prefix: &'static str,
    /// The variables that hold the password, and the hosts without TLS.
    pub(crate) password: &'static str,
    plain_http_variable: &'static str,
    pub(crate) authfile: Option<PathBuf>,
    pub(crate) username: Option<String>,
    pub(crate) password_stdin: bool,
    pub(crate) ca_file: Vec<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) plain_http: Vec<String>,
    pub(crate) insecure_skip_tls_verify: bool,
}

/// The flags of one side: their prefix, and what stands after `BUNDLE_` in its variables.
macro_rules! side {
    ($name:ident, $prefix:literal, $variable:literal, $every:literal) => {
        #[derive(Args, Clone)]
        pub(crate) struct $name {
            /// Read credentials from this file instead of the docker and podman configuration
            #[arg(id = concat!($prefix, "authfile"), long = concat!($prefix, "authfile"), value_name = "FILE", env = concat!("BUNDLE_", $variable, "AUTHFILE"))]
            pub(crate) authfile: Option<PathBuf>,
            #[arg(
                id = concat!($prefix, "username"),
                long = concat!($prefix, "username"),
                value_name = "NAME",
                env = concat!("BUNDLE_", $variable, "USERNAME"),
                help = concat!("User name for the registry; needs --", $prefix, "password-stdin or BUNDLE_", $variable, "PASSWORD")
            )]
            pub(crate) username: Option<String>,
            /// Read the password from standard input
            #[arg(id = concat!($prefix, "password-stdin"), long = concat!($prefix, "password-stdin"), requires = concat!($prefix, "username"))]
            pub(crate) password_stdin: bool,
            /// Trust the certificates in this file too (PEM, repeatable)
            #[arg(id = concat!($prefix, "ca-file"), long = concat!($prefix, "ca-file"), value_name = "FILE", env = concat!("BUNDLE_", $variable, "CA_FILE"), value_delimiter = ':')]
            pub(crate) ca_file: Vec<PathBuf>,
            /// Client certificate (PEM)
            #[arg(id = concat!($prefix, "cert"), long = concat!($prefix, "cert"), help_heading = FINE, value_name = "FILE", env = concat!("BUNDLE_", $variable, "CERT"))]
            pub(crate) cert: Option<PathBuf>,
            /// Key of the client certificate (PEM)
            #[arg(id = concat!($prefix, "key"), long = concat!($prefix, "key"), help_heading = FINE, value_name = "FILE", env = concat!("BUNDLE_", $variable, "KEY"), requires = concat!($prefix, "cert"))]
            pub(crate) key: Option<PathBuf>,
            #[arg(
                id = concat!($prefix, "plain-http"),
                long = concat!($prefix, "plain-http"),
                value_name = "HOST",
                num_args = 0..=1,
                require_equals = true,
                default_missing_value = "",
                env = concat!("BUNDLE_", $variable, "PLAIN_HTTP"),
                help = concat!("Use http without TLS: for every registry", $every, ", or with =HOST for this one (repeatable)")
            )]
            pub(crate) plain_http: Vec<String>,
            /// Accept any certificate: anyone on the way can read and change what is sent
            #[arg(id = concat!($prefix, "insecure-skip-tls-verify"), long = concat!($prefix, "insecure-skip-tls-verify"), help_heading = FINE, env = concat!("BUNDLE_", $variable, "INSECURE_SKIP_TLS_VERIFY"))]
            pub(crate) insecure_skip_tls_verify: bool,
        }

        impl From<$name> for Side {
            fn from(args: $name) -> Self {
                let $name { authfile, username, password_stdin, ca_file, cert, key, plain_http, insecure_skip_tls_verify } = args;
                Self {
                    prefix: $prefix,
                    password: concat!("BUNDLE_", $variable, "PASSWORD"),
                    plain_http_variable: concat!("BUNDLE_", $variable, "PLAIN_HTTP"),
                    authfile,
                    username,
                    password_stdin,
                    ca_file,
                    cert,
                    key,
                    plain_http,
                    insecure_skip_tls_verify,
                }
            }
        }
    };
}

side!(TargetSide, "", "", "");
side!(SourceSide, "src-", "SRC_", " of the source");

impl Side {
    /// A flag of this side, as it is typed.
    pub(crate) fn flag(&self, name: &str) -> String {
        format!("--{}{name}", self.prefix)
    }

    /// The credentials given here, which are for `hosts`: these must be one then.
    ///
    /// # Errors
    /// Half of them, or several hosts.
    pub(crate) fn login(
        &self,
        hosts: &[Host],
        script_credential: Option<String>,
    ) -> Result<Option<(Host, Credential)>, Failure> {
        let credential = match (&self.username, self.given_password()?) {
            (Some(username), Some(password)) => Some(Credential::new(username.clone(), password)),
            (Some(_), None) => {
                let [username, stdin] = ["username", "password-stdin"].map(|name| self.flag(name));
                let instead = NextStep::GivePassword { flag: stdin, variable: self.password.into() };
                return Err(Failure::usage(format!("{username} without a password"), instead));
            }
            (None, _) => script_credential.map(|v| Credential::from_authorization_value(&v)).transpose()?,
        };
        match (credential, hosts) {
            (None, _) => Ok(None),
            (Some(credential), [host]) => Ok(Some((host.clone(), credential))),
            (Some(_), several) => {
                let several: Vec<&str> = several.iter().map(Host::as_str).collect();
                let message = format!("one user name for several registries: {}", several.join(", "));
                Err(Failure::usage(message, NextStep::LogInToEach { authfile: self.flag("authfile") }))
            }
        }
    }

    /// Which of `hosts` are spoken to without TLS.
    ///
    /// # Errors
    /// One that is none of them.
    pub(crate) fn plain_http(&self, hosts: &[Host]) -> Result<PlainHttp, Failure> {
        let flag = self.flag("plain-http");
        Ok(match self.plain_http.as_slice() {
            [] => PlainHttp::None,
            [only] if is_no(only) => PlainHttp::None,
            given if given.iter().any(|h| h.is_empty() || is_yes(h)) => PlainHttp::All,
            given => {
                let parsed = given.iter().map(|host| registry_host(host));
                let plain: Vec<Host> =
                    parsed.collect::<Result<_>>().map_err(|e| Error::usage(format!("{flag}: {e}")))?;
                // A variable may be set for all commands; what was typed is meant for this one.
                let is_typed = std::env::var(self.plain_http_variable).ok().is_none_or(|set| *given != [set]);
                if let Some(other) = plain.iter().find(|one| is_typed && !hosts.contains(one)) {
                    let hosts = hosts.iter().map(Host::to_string).collect();
                    let message = format!("{flag}={other}: this command has nothing to do with {other}");
                    return Err(Failure::usage(message, NextStep::NameOneOf { hosts }));
                }
                PlainHttp::Hosts(plain)
            }
        })
    }

    pub(crate) fn tls(&self) -> TlsOptions {
        TlsOptions {
            ca_files: self.ca_file.clone(),
            cert: self.cert.clone(),
            key: self.key.clone(),
            insecure_skip_verify: self.insecure_skip_tls_verify,
        }
    }

    fn given_password(&self) -> Result<Option<String>> {
        if !self.password_stdin {
            return Ok(std::env::var(self.password).ok());
        }
        prompt::password().map(Some)
    }

    /// That standard input is not wanted for two things at once.
    ///
    /// # Errors
    /// It is read as one of these already, or as a password.
    pub(crate) fn check_stdin(&self, what: &str, files: &[PathBuf]) -> Result<(), Failure> {
        let is_read = files.iter().any(|path| path.as_os_str() == "-");
        match self.password_stdin && is_read {
            true => {
                let message = format!("standard input cannot be {what} and the password");
                Err(Failure::usage(message, NextStep::NameFileForInput { variable: self.password.into() }))
            }
            false => Ok(()),
        }
    }
}
