//! `PublicKey`: checks signatures. Read from a SubjectPublicKeyInfo (RFC 5280) in PEM.

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
use data_encoding::BASE64;
use pkcs8::der::{Decode, Document};
use pkcs8::spki::SubjectPublicKeyInfoRef;

use super::algorithm::KeyAlgorithm;
use super::key_file::{block, label, not_a_key, pem};
use crate::error::{Error, Result, SigningStep};
use crate::oci::Digest;

/// Characters in a line of PEM (RFC 7468 §2).
const PEM_LINE: usize = 64;

/// A key that checks what another one signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    raw: Vec<u8>,
}

impl PublicKey {
    /// Reads one.
    ///
    /// # Errors
    /// The file is not there, or has no key of these kinds.
    pub fn read(path: &Path) -> Result<Self> {
        let (_, text) = pem(path)?;
        let Some(block) = block(&text, "PUBLIC KEY") else {
            let label = label(&text).unwrap_or_default();
            let message = format!("{}: `{}` is no public key", path.display(), label.escape_debug());
            return Err(Error::Usage { message, next: Some(SigningStep::GivePublicKey.into()) });
        };
        let bad = |why: &str| not_a_key(path, why);
        let (_, document) = Document::from_pem(block).map_err(|_| bad("a public key that cannot be read"))?;
        let info = SubjectPublicKeyInfoRef::from_der(document.as_bytes());
        let info = info.map_err(|_| bad("a public key that cannot be read"))?;
        let what = KeyAlgorithm::of(&info.algorithm);
        let algorithm = what.map_err(|what| bad(&format!("a key {what}, neither Ed25519 nor ECDSA P-256")))?;
        let raw = info.subject_public_key.raw_bytes();
        let is_whole = match algorithm {
            KeyAlgorithm::Ed25519 => raw.len() == 32,
            // Uncompressed (SEC 1 §2.3.3): what everybody writes.
            KeyAlgorithm::EcdsaP256 => raw.len() == 65 && raw.first() == Some(&4),
        };
        if is_whole {
            Ok(Self::of_raw(algorithm, raw))
        } else {
            Err(bad("a public key of another length than its kind has"))
        }
    }

    pub(super) fn of_raw(algorithm: KeyAlgorithm, raw: &[u8]) -> Self {
        Self { algorithm, raw: raw.to_vec() }
    }

    /// How it signs.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// sha256 of its DER: `openssl pkey -pubin -in FILE -outform DER | sha256sum`.
    pub fn fingerprint(&self) -> Digest {
        Digest::sha256(&self.algorithm.public_der(&self.raw))
    }

    /// As PEM.
    pub(crate) fn to_pem(&self) -> String {
        let text = BASE64.encode(&self.algorithm.public_der(&self.raw));
        let lines: Vec<&str> = text.as_bytes().chunks(PEM_LINE).filter_map(|line| str::from_utf8(line).ok()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// Whether the key beside it made this signature of these bytes.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            KeyAlgorithm::Ed25519 => UnparsedPublicKey::new(&ED25519, &self.raw).verify(message, signature).is_ok(),
            KeyAlgorithm::EcdsaP256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.raw).verify(message, signature).is_ok()
            }
        }
    }
}
