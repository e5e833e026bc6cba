//! Certificates and keys in files: PEM, the system's roots, and certs.d as docker and podman lay it
//! out (`certs.d/HOST[:PORT]/*.crt`, `NAME.cert` with `NAME.key`).

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::registry::wire::env::Env;
use crate::{Error, NextStep, Result};

/// A client certificate and its key, still in their files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Identity {
    /// Reads both and checks that they belong together.
    pub(crate) fn load(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>> {
        let chain = certificates(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                Error::refused(format!("{}: no private key in this file", self.key.display()), NextStep::GiveKey)
            }
            other => unread(&self.key, other),
        })?;
        let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                unusable(&self.cert, format!("the key in {} does not belong to this certificate", self.key.display()))
            }
            other => unusable(&self.key, other),
        })?;
        Ok(Arc::new(certified))
    }
}

/// What certs.d holds for one registry.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ForHost {
    /// Every `*.crt`, of all directories.
    pub(crate) authorities: Vec<PathBuf>,
    /// The first client certificate by directory, then by name.
    pub(crate) identity: Option<Identity>,
}

impl ForHost {
    /// Looks for `host[:port]` below each of `directories`.
    ///
    /// # Errors
    /// When one half of a client certificate is missing, or a directory cannot be read.
    pub(crate) fn search(directories: &[PathBuf], host: &str) -> Result<Self> {
        let mut found = Self::default();
        // The name comes from a reference; a directory is all it may name.
        if host.is_empty() || host.starts_with('.') || host.contains('/') {
            return Ok(found);
        }
        // Who wrote down the port of https means the same registry.
        let has_port = host.rsplit_once(']').map_or(host, |(_, port)| port).contains(':');
        let with_port = (!has_port).then(|| format!("{host}:443"));
        for directory in directories {
            found.add(&directory.join(host))?;
            if let Some(host) = &with_port {
                found.add(&directory.join(host))?;
            }
        }
        Ok(found)
    }

    fn add(&mut self, directory: &Path) -> Result<()> {
        let files = match list(directory) {
            Ok(files) => files,
            // dockerd makes /etc/docker unreadable for others: not ours to use, as for podman.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
                return Ok(());
            }
            Err(error) => return Err(unusable(directory, error)),
        };
        for file in &files {
            let partner = |extension| Some(file.with_extension(extension)).filter(|path| files.contains(path));
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => self.authorities.push(file.clone()),
                Some("cert") => {
                    let Some(key) = partner("key") else { return Err(lonely(file, "key")) };
                    self.identity.get_or_insert(Identity { cert: file.clone(), key });
                }
                Some("key") if partner("cert").is_none() => return Err(lonely(file, "cert")),
                _ => {}
            }
        }
        Ok(())
    }
}

fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in directory.read_dir()? {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

fn lonely(file: &Path, extension: &str) -> Error {
    let partner = file.with_extension(extension);
    let kind =
        if extension == "key" { "a client certificate without its key" } else { "a key without its certificate" };
    Error::refused(format!("{}: {kind}", file.display()), NextStep::AddPartner { file: partner.clone() })
}

/// The certs.d directories of podman and docker: the user's first.
pub(crate) fn directories(env: Env<'_>) -> Vec<PathBuf> {
    let home = env("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let user = [".config/containers/certs.d", ".docker/certs.d"];
    let mut directories: Vec<PathBuf> = home.iter().flat_map(|home| user.map(|below| home.join(below))).collect();
    directories.extend(["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from));
    directories
}

/// Issuers that are trusted without being named on the command line. Copies share what was read.
#[derive(Clone, Debug)]
pub(crate) enum Roots {
    /// What the environment named.
    Given(Arc<RootCertStore>),
    /// The system's, read when the first server shows a certificate: they are hundreds of files.
    System(Arc<OnceLock<RootCertStore>>),
}

impl Roots {
    pub(crate) fn get(&self) -> &RootCertStore {
        match self {
            Self::Given(roots) => roots,
            Self::System(read) => read.get_or_init(|| parsable(rustls_native_certs::load_native_certs().certs)),
        }
    }
}

/// The system's roots, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` put in their place.
///
/// # Errors
/// When `SSL_CERT_FILE` names a file without a certificate: going on would only fail later, and
/// for a reason that names nothing.
pub(crate) fn system_roots(env: Env<'_>) -> Result<Roots> {
    let set = |name| env(name).filter(|value| !value.is_empty());
    let (file, directories) = (set("SSL_CERT_FILE"), set("SSL_CERT_DIR"));
    if file.is_none() && directories.is_none() {
        return Ok(Roots::System(Arc::default()));
    }
    let mut found = Vec::new();
    if let Some(file) = file {
        found = certificates(Path::new(&file)).map_err(|error| error.at("SSL_CERT_FILE"))?;
    }
    for directory in directories.iter().flat_map(std::env::split_paths) {
        found.extend(rustls_native_certs::load_certs_from_paths(None, Some(&directory)).certs);
    }
    Ok(Roots::Given(Arc::new(parsable(found))))
}

/// System stores hold certificates older than the rules: those are left out, as everywhere.
fn parsable(certificates: Vec<CertificateDer<'static>>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    roots
}

/// All certificates of a PEM file.
///
/// # Errors
/// When it cannot be read or has none.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = || CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, pem::Error>>();
    let found = read().map_err(|error| unread(file, error))?;
    if found.is_empty() {
        return Err(unusable(file, "no PEM certificate in this file"));
    }
    Ok(found)
}

/// A file someone named and that could not be read, or is not what it should be.
fn unread(file: &Path, error: pem::Error) -> Error {
    match error {
        pem::Error::Io(error) => Error::typed("open", file)(error),
        other => unusable(file, pem_reason(&other)),
    }
}

/// A file someone named and that cannot be used.
pub(crate) fn unusable(file: &Path, reason: impl Display) -> Error {
    Error::Refused { reason: format!("{}: {reason}", file.display()), next: None }
}

fn pem_reason(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        other => format!("not readable as PEM: {other}"),
    }
}
