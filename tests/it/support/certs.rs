//! Certificates for loopback: an authority, servers, clients, and the ways they are wrong.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};

/// The names that a server on loopback goes by.
pub const LOOPBACK: [&str; 2] = ["localhost", "127.0.0.1"];

/// A private certificate authority.
#[derive(Clone)]
pub struct Authority(Arc<CertifiedIssuer<'static, KeyPair>>);

impl Authority {
    /// A new one.
    pub fn new() -> Self {
        let mut params = named("bundle test authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Self(Arc::new(CertifiedIssuer::self_signed(params, key()).expect("an authority")))
    }

    /// Its certificate, for `--ca-file`.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server certificate for these names and addresses.
    pub fn server(&self, names: &[&str]) -> Identity {
        self.issue(named("server", names), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A server certificate that ran out years ago.
    pub fn expired_server(&self, names: &[&str]) -> Identity {
        let mut params = named("server", names);
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        self.issue(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client certificate.
    pub fn client(&self, name: &str) -> Identity {
        self.issue(named(name, &[]), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Identity {
        params.extended_key_usages = vec![usage];
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity::new(certificate.der().clone(), certificate.pem(), &key)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    /// The certificate as a file holds it.
    pub cert_pem: String,
    /// The key as a file holds it.
    pub key_pem: String,
}

impl Identity {
    fn new(certificate: CertificateDer<'static>, cert_pem: String, key: &KeyPair) -> Self {
        Self { certificate, key: key.serialize_der(), cert_pem, key_pem: key.serialize_pem() }
    }

    /// A server certificate that is its own authority (`CA:TRUE`), as `openssl req -x509` makes it.
    pub fn self_signed_ca(names: &[&str]) -> Self {
        let mut params = named("registry", names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate");
        Self::new(certificate.der().clone(), certificate.pem(), &key)
    }

    /// One from texts.
    pub fn from_pem(cert_pem: &str, key_pem: &str) -> Self {
        let certificate = CertificateDer::from_pem_slice(cert_pem.as_bytes()).expect("a certificate");
        let key = PrivatePkcs8KeyDer::from_pem_slice(key_pem.as_bytes()).expect("a key");
        let key = key.secret_pkcs8_der().to_vec();
        Self { certificate, key, cert_pem: cert_pem.into(), key_pem: key_pem.into() }
    }

    pub(super) fn server_config(&self, clients: Option<&Authority>) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("protocol versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).expect("an authority");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.expect("a verifier"))
            }
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let key = any_supported_type(&key).expect("a key");
        // Whether they belong together is for clients to find out.
        let pair = CertifiedKey::new(vec![self.certificate.clone()], key);
        Arc::new(builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair))))
    }
}

fn named(name: &str, alternatives: &[&str]) -> CertificateParams {
    let alternatives: Vec<String> = alternatives.iter().map(|&name| name.into()).collect();
    let mut params = CertificateParams::new(alternatives).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
