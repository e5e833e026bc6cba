//! How to talk to registries, as a caller wants it.

use std::path::PathBuf;
use std::time::Duration;

use super::auth::credentials::Credential;
use super::wire::origin::Origin;
use super::wire::tls::TlsOptions;
use crate::oci::Host;

/// Which registries are spoken to without TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainHttp {
    /// None, but for one on this machine that speaks nothing else.
    #[default]
    None,
    /// These hosts.
    Hosts(Vec<Host>),
    /// All of this run.
    All,
    /// These hosts, and no other whatever it speaks.
    Only(Vec<Host>),
}

/// How often a request that failed for now is sent again.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// How often a request is repeated after its first try.
    pub times: u32,
    /// The longest first delay; it doubles with every try.
    pub delay: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 5, delay: Duration::from_millis(500) }
    }
}

/// How to talk to registries.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistryOptions {
    /// Read credentials from this file alone.
    pub authfile: Option<PathBuf>,
    /// No progress for this long ends a request.
    pub idle_timeout: Duration,
    /// Requests in flight per host.
    pub jobs: usize,
    /// Bytes per second over all connections, in each direction.
    pub limit_rate: Option<u64>,
    /// Credentials for one host, which go before those of any file.
    pub login: Option<(Host, Credential)>,
    /// Nothing that this machine happens to have counts: no credentials of its user, no certs.d. As a stranger sees it.
    pub only_named: bool,
    /// Registries without TLS.
    pub plain_http: PlainHttp,
    /// Repeated requests.
    pub retry: Retry,
    /// A file with credentials that others can change is refused; otherwise it is warned of.
    pub strict_credential_files: bool,
    /// Trust, and client certificates.
    pub tls: TlsOptions,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            authfile: None,
            idle_timeout: Duration::from_secs(60),
            jobs: 16,
            limit_rate: None,
            login: None,
            only_named: false,
            plain_http: PlainHttp::None,
            retry: Retry::default(),
            strict_credential_files: false,
            tls: TlsOptions::default(),
        }
    }
}

impl RegistryOptions {
    /// Whether a registry on this machine that speaks nothing else is spoken to without TLS.
    pub(super) fn may_fall_back(&self) -> bool {
        !matches!(self.plain_http, PlainHttp::Only(_))
    }

    /// Whether a host is the same registry as another, which is talked to in another way.
    pub(crate) fn is_same(&self, host: &Host, others: &Self, other: &Host) -> bool {
        let origins = [(self, host), (others, other)].map(|(o, host)| Origin::new(host, o.is_plain_http(host)));
        matches!(origins, [Ok(one), Ok(other)] if one.is_same(&other))
    }

    /// Whether a host is spoken to without TLS.
    pub(crate) fn is_plain_http(&self, host: &Host) -> bool {
        match &self.plain_http {
            PlainHttp::None => false,
            PlainHttp::Hosts(hosts) | PlainHttp::Only(hosts) => hosts.contains(host),
            PlainHttp::All => true,
        }
    }
}
