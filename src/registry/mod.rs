//! A client of the distribution spec (v1.1): reads from and writes to any number of registries.
//!
//! [`Registries`] is both ends. Every request goes through `transport`, and every URL that a
//! registry names through `origin`.

mod auth;
mod elsewhere;
#[cfg(fuzzing)]
pub mod fuzzing;
mod host;
mod kept;
mod link;
mod listing;
mod manner;
mod origin;
mod pages;
mod pull;
mod push;
mod referrers;
mod retry;
mod transport;
mod upload;
mod wire;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use url::Url;

pub use auth::credentials::{Credential, Secret};
pub use kept::Kept;
pub use link::next_link;
pub use retry::Retry;
pub use wire::tls::TlsOptions;

use crate::error::Result;
use crate::oci::{Digest, Repository};
use crate::store::Watch;
use elsewhere::Elsewhere;
use listing::DigestTags;
use transport::Transport;

/// Which registries are spoken to without TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainHttp {
    /// None, but for one on this machine that speaks nothing else.
    #[default]
    None,
    /// These hosts.
    Hosts(Vec<String>),
    /// All of this run.
    All,
}

/// How to talk to registries.
#[derive(Clone, Debug)]
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
    pub login: Option<(String, Credential)>,
    /// Registries without TLS.
    pub plain_http: PlainHttp,
    /// Repeated requests.
    pub retry: Retry,
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
            plain_http: PlainHttp::None,
            retry: Retry::default(),
            tls: TlsOptions::default(),
        }
    }
}

impl RegistryOptions {
    fn is_plain_http(&self, host: &str) -> bool {
        match &self.plain_http {
            PlainHttp::None => false,
            PlainHttp::Hosts(hosts) => hosts.iter().any(|h| h == host),
            PlainHttp::All => true,
        }
    }
}

/// Upload sessions that are open and not used yet.
type Sessions = HashMap<Repository, Vec<Url>>;

/// All registries of one run, as a source and as a target.
pub struct Registries {
    transport: Transport,
    /// Only where layers may be taken from other addresses than the registry's.
    elsewhere: Option<Elsewhere>,
    sessions: Mutex<Sessions>,
    /// Blobs that the target has by name, in the wrong length.
    suspects: Mutex<HashSet<(Repository, Digest)>>,
    /// Held while an index of referrers is changed.
    referrers: Mutex<()>,
    /// The tags of repositories that are made from digests, listed when first asked for.
    digest_tags: Mutex<HashMap<Repository, DigestTags>>,
}

impl Registries {
    /// Makes ready; nothing is contacted yet.
    ///
    /// # Errors
    /// When a certificate or credential file that was named cannot be used.
    pub fn new(options: RegistryOptions, watch: Arc<dyn Watch>) -> Result<Self> {
        Ok(Self {
            transport: Transport::new(options, watch)?,
            elsewhere: None,
            sessions: Mutex::default(),
            suspects: Mutex::default(),
            referrers: Mutex::default(),
            digest_tags: Mutex::default(),
        })
    }
}
