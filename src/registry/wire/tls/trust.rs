//! Whom to trust, read once for a whole run, and what follows from it for each host.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};

use super::certs::{self, Identity, Roots};
use super::verifier::{AcceptAny, PinnedOrWebPki};
use crate::registry::wire::env::Env;
use crate::{Error, Result};

/// What the command line says about TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// PEM files with certificates to trust besides the system's.
    pub ca_files: Vec<PathBuf>,
    /// A PEM file with the client certificate and its chain.
    pub cert: Option<PathBuf>,
    /// A PEM file with the private key; absent, the key is in the file of the certificate.
    pub key: Option<PathBuf>,
    /// Take whatever certificate a server shows.
    pub insecure_skip_verify: bool,
}

/// Everything TLS that was read once for a whole run.
#[derive(Debug)]
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    trust: Trust,
    identity: Option<Arc<CertifiedKey>>,
    directories: Vec<PathBuf>,
    insecure: bool,
    /// A flag says something about TLS.
    is_set_up: bool,
}

/// The trusted certificates, as anchors and, where a person named them, as they are.
#[derive(Clone, Debug)]
struct Trust {
    roots: Roots,
    named: RootCertStore,
    pinned: Vec<CertificateDer<'static>>,
}

/// How to speak TLS on behalf of one registry: one way to it, another to anybody else.
#[derive(Clone, Debug)]
pub(crate) struct HostTls {
    registry: Option<(String, u16)>,
    /// Somebody said how this registry speaks TLS.
    is_set_up: bool,
    /// It was heard speaking TLS, good or bad.
    is_spoken: Arc<AtomicBool>,
    to_registry: Arc<ClientConfig>,
    to_others: Arc<ClientConfig>,
}

impl Tls {
    /// Reads the roots and the files of `options`.
    ///
    /// # Errors
    /// When a file that was named cannot be used.
    pub(crate) fn load(options: &TlsOptions, env: Env<'_>) -> Result<Self> {
        Self::load_with(options, certs::directories(env), env)
    }

    /// The same without what this machine has for single registries.
    ///
    /// # Errors
    /// When a file that was named cannot be used.
    pub(crate) fn load_named(options: &TlsOptions, env: Env<'_>) -> Result<Self> {
        Self::load_with(options, Vec::new(), env)
    }

    pub(super) fn load_with(options: &TlsOptions, directories: Vec<PathBuf>, env: Env<'_>) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut trust = Trust { roots: certs::system_roots(env)?, named: RootCertStore::empty(), pinned: Vec::new() };
        // What the environment names was chosen by a person too, so it may be a registry's own.
        if let Some(file) = env("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
            trust.pinned.extend(certs::certificates(file.as_ref())?);
        }
        for file in &options.ca_files {
            trust.add(certs::certificates(file)?).map_err(|reason| certs::unusable(file, reason))?;
        }
        let identity = match (&options.cert, &options.key) {
            (Some(cert), key) => Some(Identity { cert: cert.clone(), key: key.as_ref().unwrap_or(cert).clone() }),
            (None, Some(_)) => return Err(Error::usage("--key needs --cert")),
            (None, None) => None,
        };
        let identity = identity.map(|identity| identity.load(&provider)).transpose()?;
        let insecure = options.insecure_skip_verify;
        let is_set_up = insecure || !options.ca_files.is_empty() || identity.is_some();
        Ok(Self { provider, trust, identity, directories, insecure, is_set_up })
    }

    /// TLS for the registry at `host[:port]` and for the hosts it sends us to.
    ///
    /// # Errors
    /// When certs.d holds something unusable for this host.
    pub(crate) fn for_registry(&self, host: &str) -> Result<HostTls> {
        let to_others = self.config(self.trust.clone(), None)?;
        let found = certs::ForHost::search(&self.directories, host)?;
        let is_set_up = self.is_set_up || !found.authorities.is_empty() || found.identity.is_some();
        let mut trust = self.trust.clone();
        for file in found.authorities {
            trust.add(certs::certificates(&file)?).map_err(|reason| certs::unusable(&file, reason))?;
        }
        let identity = match (&self.identity, found.identity) {
            (Some(identity), _) => Some(identity.clone()),
            (None, Some(identity)) => Some(identity.load(&self.provider)?),
            (None, None) => None,
        };
        let to_registry = self.config(trust, identity)?;
        let registry = Some(split_port(host));
        Ok(HostTls { registry, is_set_up, is_spoken: Arc::default(), to_registry, to_others })
    }

    /// TLS for whoever is no registry of ours.
    ///
    /// # Errors
    /// When the trusted certificates cannot be used.
    pub(crate) fn for_strangers(&self) -> Result<HostTls> {
        let to_others = self.config(self.trust.clone(), None)?;
        let (is_set_up, is_spoken) = (self.is_set_up, Arc::default());
        Ok(HostTls { registry: None, is_set_up, is_spoken, to_registry: to_others.clone(), to_others })
    }

    fn config(&self, trust: Trust, identity: Option<Arc<CertifiedKey>>) -> Result<Arc<ClientConfig>> {
        let verifier: Arc<dyn ServerCertVerifier> = if self.insecure {
            Arc::new(AcceptAny::new(self.provider.clone()))
        } else {
            Arc::new(PinnedOrWebPki::new(trust.roots, trust.named, trust.pinned, self.provider.clone()))
        };
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Refused { reason: format!("TLS: {error}"), next: None })?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        Ok(Arc::new(match identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity))),
            None => builder.with_no_client_auth(),
        }))
    }
}

impl Trust {
    fn add(&mut self, certificates: Vec<CertificateDer<'static>>) -> Result<(), rustls::Error> {
        for certificate in certificates {
            self.named.add(certificate.clone())?;
            self.pinned.push(certificate);
        }
        Ok(())
    }
}

impl HostTls {
    pub(super) fn config_for(&self, host: &str, port: u16) -> Arc<ClientConfig> {
        if self.is_registry(host, port) { self.to_registry.clone() } else { self.to_others.clone() }
    }

    fn is_registry(&self, host: &str, port: u16) -> bool {
        self.registry.as_ref().is_some_and(|(name, at)| name.eq_ignore_ascii_case(host) && *at == port)
    }

    pub(super) fn note_that_it_is_spoken(&self, host: &str, port: u16) {
        if self.is_registry(host, port) {
            self.is_spoken.store(true, Ordering::Relaxed);
        }
    }

    /// The registry speaks TLS, or somebody counts on it: nothing else will do then.
    pub(crate) fn is_expected(&self) -> bool {
        self.is_set_up || self.is_spoken.load(Ordering::Relaxed)
    }
}

/// `host[:port]` as host (IPv6 keeps its brackets) and port, 443 where none is given.
pub(super) fn split_port(host: &str) -> (String, u16) {
    match host.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
        Some((name, Ok(port))) if !name.contains(':') || name.ends_with(']') => (name.into(), port),
        _ => (host.into(), 443),
    }
}
