//! Who a server has to be. The rules are webpki's, with one addition: a self-signed CA certificate
//! that a person named is taken as the server's own, as OpenSSL and Go do (`openssl req -x509`
//! makes them so; webpki alone refuses them, rustls/webpki#205).

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::certs::Roots;
use super::issuer::with_the_issuer;
use super::weak::because_of_a_short_key;

/// webpki's word for it; the type is not reachable through rustls.
const CA_AS_END_ENTITY: &str = "CaUsedAsEndEntity";

/// Whether webpki refused a CA certificate in the server's place.
pub(crate) fn is_ca_as_end_entity(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if other.0.to_string().contains(CA_AS_END_ENTITY))
}

/// webpki, and the certificates that were named.
#[derive(Debug)]
pub(crate) struct PinnedOrWebPki {
    roots: Roots,
    named: RootCertStore,
    /// Built for the first server. Absent without a single root: then nobody is known.
    webpki: OnceLock<Result<Option<Arc<WebPkiServerVerifier>>, rustls::Error>>,
    pinned: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl PinnedOrWebPki {
    /// Trusts `roots` and `named` as issuers, and each of `pinned` also as a server's own certificate.
    pub(crate) fn new(
        roots: Roots,
        named: RootCertStore,
        pinned: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self { roots, named, webpki: OnceLock::new(), pinned, provider }
    }

    fn webpki(&self) -> Result<Option<&WebPkiServerVerifier>, rustls::Error> {
        let build = || {
            let mut all = self.roots.get().clone();
            all.extend(self.named.roots.iter().cloned());
            if all.is_empty() {
                return Ok(None);
            }
            let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(all), self.provider.clone());
            builder.build().map(Some).map_err(|e| rustls::Error::General(format!("CA certificates: {e}")))
        };
        match self.webpki.get_or_init(build) {
            Ok(webpki) => Ok(webpki.as_deref()),
            Err(error) => Err(error.clone()),
        }
    }
}

impl ServerCertVerifier for PinnedOrWebPki {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(webpki) = self.webpki()? else {
            return Err(with_the_issuer(CertificateError::UnknownIssuer.into(), end_entity, intermediates));
        };
        match webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // webpki checks the dates before it complains of this; the name is left to check.
            Err(rustls::Error::InvalidCertificate(error))
                if is_ca_as_end_entity(&error) && self.pinned.iter().any(|pin| pin == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            Err(error) => {
                let roots = [self.roots.get(), &self.named];
                let error = because_of_a_short_key(error, end_entity, intermediates, &roots);
                Err(with_the_issuer(error, end_entity, intermediates))
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
            .map_err(|e| because_of_a_short_key(e, cert, &[], &[]))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
            .map_err(|e| because_of_a_short_key(e, cert, &[], &[]))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Any certificate will do, as long as the server holds its key.
pub(crate) struct AcceptAny {
    provider: Arc<CryptoProvider>,
}

impl AcceptAny {
    /// Checks handshake signatures with `provider`, and nothing else.
    pub(crate) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider }
    }
}

impl fmt::Debug for AcceptAny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AcceptAny")
    }
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
