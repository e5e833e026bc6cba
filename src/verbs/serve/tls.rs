//! With which certificate the server answers: one from files, or one that an authority of its own signs.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::{Error, NextStep, Result};

/// The certificate of the authority, for those who are to trust it.
const CA: &str = "ca.pem";
/// Its key, for nobody else.
const CA_KEY: &str = "ca-key.pem";
/// A certificate is good for the day before, for clocks that are behind, and for so many years.
const YEARS: i32 = 10;

/// Whether and how the server speaks TLS.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Tls {
    /// It does so with this certificate and its key, in PEM. They are read anew when somebody asks for it.
    Files {
        /// The certificate, followed by those that it was signed with.
        cert: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// It speaks plain HTTP.
    #[default]
    Off,
    /// It does so with a certificate from an authority of its own, which lies in this directory and is made there the
    /// first time.
    SelfSigned {
        /// Where the authority lies.
        directory: PathBuf,
        /// Names and addresses that the server is reached by, besides those of loopback.
        names: Vec<String>,
    },
}

impl Tls {
    /// What a client has to trust.
    pub(super) fn authority(&self) -> Option<PathBuf> {
        match self {
            Self::SelfSigned { directory, .. } => Some(directory.join(CA)),
            Self::Files { .. } | Self::Off => None,
        }
    }

    /// How the server speaks it, `None` where it does not.
    ///
    /// # Errors
    /// Files that cannot be read, are no certificate or no key, or do not belong together.
    pub(super) fn config(&self, listen: IpAddr) -> Result<Option<Arc<ServerConfig>>> {
        let (chain, key, here) = match self {
            Self::Off => return Ok(None),
            Self::Files { cert, key } => (certificates(cert)?, private_key(key)?, cert.clone()),
            Self::SelfSigned { directory, names } => {
                let (chain, key) = signed(directory, names, listen)?;
                (chain, key, directory.clone())
            }
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|e| unusable(&here, format!("{e}")))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(Arc::new(config)))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = std::fs::read(path).map_err(Error::typed("open", path))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|e| unusable(path, format!("{e}")))?;
    if chain.is_empty() { Err(unusable(path, "no certificate in PEM")) } else { Ok(chain) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let bytes = std::fs::read(path).map_err(Error::typed("open", path))?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| unusable(path, "no key in PEM that is not encrypted"))
}

fn unusable(path: &Path, reason: impl Into<String>) -> Error {
    Error::refused(reason, NextStep::CheckServerCertificate).at(path.display())
}

/// A certificate for these names from the authority in this directory.
fn signed(
    directory: &Path,
    names: &[String],
    listen: IpAddr,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let bad = |e: rcgen::Error| unusable(directory, format!("{e}"));
    let authority = authority(directory)?;
    let mut alternatives: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !listen.is_unspecified() {
        alternatives.push(listen.to_string());
    }
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    alternatives.extend(names.iter().cloned().chain(Some(own).filter(|name| !name.is_empty())));
    alternatives.sort();
    alternatives.dedup();
    let mut params = CertificateParams::new(alternatives).map_err(bad)?;
    params.distinguished_name.push(DnType::CommonName, "bundle serve");
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    validity(&mut params, 1);
    let key = KeyPair::generate().map_err(bad)?;
    let certificate = params.signed_by(&key, &authority).map_err(bad)?;
    Ok((vec![certificate.der().clone()], key.into()))
}

/// The authority in this directory, made if there is none.
fn authority(directory: &Path) -> Result<Issuer<'static, KeyPair>> {
    let bad = |e: rcgen::Error| unusable(directory, format!("{e}"));
    let (path, key_path) = (directory.join(CA), directory.join(CA_KEY));
    let mut params = CertificateParams::new(Vec::new()).map_err(bad)?;
    params.distinguished_name.push(DnType::CommonName, "bundle serve authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    validity(&mut params, YEARS);
    let key = match std::fs::read_to_string(&key_path) {
        Ok(text) => KeyPair::from_pem(&text).map_err(|e| unusable(&key_path, format!("{e}")))?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            std::fs::create_dir_all(directory).map_err(Error::disk("create", directory))?;
            let key = KeyPair::generate().map_err(bad)?;
            write(&key_path, &key.serialize_pem(), 0o600)?;
            key
        }
        Err(e) => return Err(Error::disk("open", &key_path)(e)),
    };
    if !path.exists() {
        let certificate = params.self_signed(&key).map_err(bad)?;
        write(&path, &certificate.pem(), 0o644)?;
    }
    Ok(Issuer::new(params, key))
}

/// From yesterday on.
fn validity(params: &mut CertificateParams, years: i32) {
    let yesterday = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().yesterday();
    let date = yesterday.unwrap_or(jiff::civil::date(2026, 1, 1));
    // The 28th is a day of every month.
    let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs().min(28));
    params.not_before = date_time_ymd(i32::from(date.year()), month, day);
    params.not_after = date_time_ymd(i32::from(date.year()) + years, month, day);
}

/// Writes a new file that only its mode lets others read.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(Error::disk("write", path))
}
