//! Keys and signatures that no TLS of today takes, told apart from those that are wrong: webpki calls a signature
//! by a short key simply a bad one.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, OtherError, RootCertStore};

use super::der::inside;

/// RSA keys of fewer bits are not taken (CA/Browser Forum Baseline Requirements §6.1.5).
const LEAST_RSA_BITS: usize = 2048;
/// `rsaEncryption` (RFC 8017 appendix A.1).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// What signatures were made with, by the bytes of their object identifiers (RFC 3279 §2.2).
const OLD: [(&[u8], &str); 5] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02], "MD2"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04], "MD5"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], "SHA-1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], "SHA-1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03], "SHA-1"),
];

/// A key that is too short to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{of} has a key of {bits} bits")]
pub(super) struct ShortKey {
    /// Whose: as in "it" or "the authority that signed it".
    pub(super) of: &'static str,
    pub(super) bits: usize,
}

impl ShortKey {
    /// The one behind an error that [`because_of_a_short_key`] made.
    pub(super) fn of(error: &CertificateError) -> Option<&Self> {
        match error {
            CertificateError::Other(other) => other.0.downcast_ref(),
            _ => None,
        }
    }
}

/// A signature that does not verify, with the reason where a key of the chain is too short.
pub(super) fn because_of_a_short_key(
    error: rustls::Error,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    roots: &[&RootCertStore],
) -> rustls::Error {
    if error != rustls::Error::InvalidCertificate(CertificateError::BadSignature) {
        return error;
    }
    let own = short_rsa_bits(end_entity).map(|bits| ShortKey { of: "it", bits });
    let issuer = |bits| ShortKey { of: "the authority that signed it", bits };
    let between = || intermediates.iter().find_map(|cert| short_rsa_bits(cert)).map(issuer);
    let root = || {
        // A root counts where something in the chain names it as its issuer.
        let chain = || std::iter::once(end_entity).chain(intermediates);
        let anchors = roots.iter().flat_map(|store| &store.roots);
        let mut named = anchors.filter(|anchor| chain().any(|cert| contains(cert, &anchor.subject)));
        named.find_map(|anchor| short(rsa_bits(&anchor.subject_public_key_info))).map(issuer)
    };
    match own.or_else(between).or_else(root) {
        Some(short) => CertificateError::Other(OtherError(Arc::new(short))).into(),
        None => error,
    }
}

/// The old hash in the algorithm of a signature.
pub(super) fn old_hash(algorithm: &[u8]) -> Option<&'static str> {
    OLD.iter().find(|(identifier, _)| contains(algorithm, identifier)).map(|(_, name)| *name)
}

fn short_rsa_bits(certificate: &CertificateDer<'_>) -> Option<usize> {
    let key = ParsedCertificate::try_from(certificate).ok()?.subject_public_key_info();
    short(rsa_bits(&key))
}

fn short(bits: Option<usize>) -> Option<usize> {
    bits.filter(|bits| *bits < LEAST_RSA_BITS)
}

/// The length of the modulus in a public key, where that is RSA: after the algorithm, a bit string that holds
/// a sequence of two integers (RFC 8017 appendix A.1.1).
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let at = key.windows(RSA.len()).position(|window| window == RSA)? + RSA.len();
    let rest = key.get(at..)?.strip_prefix(&[0x05, 0x00]).unwrap_or(key.get(at..)?);
    let bits = inside(rest, 0x03)?.strip_prefix(&[0])?;
    let modulus = inside(inside(bits, 0x30)?, 0x02)?;
    let modulus = &modulus[modulus.iter().position(|byte| *byte != 0)?..];
    Some(modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}
