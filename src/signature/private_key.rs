//! `PrivateKey`: signs. Read from PKCS #8, which may be encrypted; what it is never leaves it.

use std::fmt;
use std::path::Path;

use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use pkcs8::der::pem::{LineEnding, PemLabel};
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};

use super::algorithm::KeyAlgorithm;
use super::key_file::{block, check_private, label, not_a_key, pem};
use super::public_key::PublicKey;
use crate::error::{Error, Result, SigningStep};

/// PBKDF2 rounds with SHA-256, as OWASP recommends them.
const ROUNDS: u32 = 600_000;
/// The label of an encrypted key in PEM (RFC 7468 §11).
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// A key that signs.
pub struct PrivateKey {
    pair: Pair,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// What it is stays in it.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public_key().fingerprint()).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// Reads one that only its owner can read. `password` is asked where it is encrypted.
    ///
    /// # Errors
    /// The file is not there, others can read it, it is no key of these kinds, or the password is not the right one.
    pub fn read(path: &Path, password: impl FnOnce() -> Result<String>) -> Result<Self> {
        let (file, text) = pem(path)?;
        if label(&text) == Some("PUBLIC KEY") {
            return Err(not_a_key(path, "a public key; what signs is the private one"));
        }
        check_private(path, &file)?;
        let pair = if let Some(block) = block(&text, ENCRYPTED) {
            let bad = || not_a_key(path, "an encrypted key that cannot be read: expected is PKCS #8 with PBES2");
            let (_, document) = SecretDocument::from_pem(block).map_err(|_| bad())?;
            let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| bad())?;
            let password = password().map_err(|e| e.at(path.display()))?;
            let opened = encrypted.decrypt(password).map_err(|_| wrong_password(path))?;
            Pair::of(path, opened.as_bytes())?
        } else if let Some(block) = block(&text, "PRIVATE KEY") {
            let (_, document) =
                SecretDocument::from_pem(block).map_err(|_| not_a_key(path, "a key that cannot be read"))?;
            Pair::of(path, document.as_bytes())?
        } else {
            return Err(Self::other(path, label(&text).unwrap_or_default()));
        };
        Ok(Self { pair })
    }

    /// A PEM that is something else.
    fn other(path: &Path, label: &str) -> Error {
        let what = format!("{}: `{}` is read as PKCS #8 only", path.display(), label.escape_debug());
        let next = match label {
            "ENCRYPTED COSIGN PRIVATE KEY" | "ENCRYPTED SIGSTORE PRIVATE KEY" => SigningStep::SignWithCosign,
            "EC PRIVATE KEY" | "EC PARAMETERS" => SigningStep::ConvertKey { file: path.to_owned() },
            _ => SigningStep::MakeKey,
        };
        Error::Usage { message: what, next: Some(next.into()) }
    }

    /// A new one.
    ///
    /// # Errors
    /// The machine has no randomness to give.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self> {
        let pair = match algorithm {
            KeyAlgorithm::EcdsaP256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::Ecdsa),
            KeyAlgorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        Ok(Self { pair: pair.map_err(|_| failed("make a key"))? })
    }

    /// As PEM: PKCS #8, encrypted (PBES2: PBKDF2 with SHA-256, AES-256-CBC) where there is a password.
    ///
    /// # Errors
    /// The machine has no randomness to give.
    pub(crate) fn to_pem(&self, password: Option<&str>) -> Result<String> {
        let bad = |_| failed("write a key");
        let document = match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
        };
        let document = document.map_err(|_| failed("write a key"))?;
        let info = PrivateKeyInfoRef::try_from(document.as_ref()).map_err(bad)?;
        let text = match password {
            None => {
                let document = SecretDocument::try_from(document.as_ref()).map_err(|_| failed("write a key"))?;
                document.to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
            }
            Some(password) => {
                let (mut salt, mut start) = ([0; 16], [0; 16]);
                rand::fill(&mut salt).and_then(|()| rand::fill(&mut start)).map_err(|_| failed("write a key"))?;
                let way = Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, start);
                let way = way.map_err(|_| failed("write a key"))?;
                info.encrypt_with_params(way, password).map_err(bad)?.to_pem(ENCRYPTED, LineEnding::LF)
            }
        };
        text.map(|text| text.to_string()).map_err(|_| failed("write a key"))
    }

    /// The key that checks what this one signs.
    pub fn public_key(&self) -> PublicKey {
        match &self.pair {
            Pair::Ecdsa(pair) => PublicKey::of_raw(KeyAlgorithm::EcdsaP256, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => PublicKey::of_raw(KeyAlgorithm::Ed25519, pair.public_key().as_ref()),
        }
    }

    /// Signs, and looks at what came of it.
    ///
    /// # Errors
    /// The machine failed.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature = match &self.pair {
            Pair::Ecdsa(pair) => {
                let signed = pair.sign(&SystemRandom::new(), message);
                signed.map_err(|_| failed("sign"))?.as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        };
        // A fault of the machine would give the key away by a wrong signature.
        if self.public_key().verifies(message, &signature) { Ok(signature) } else { Err(failed("sign")) }
    }
}

impl Pair {
    fn of(path: &Path, der: &[u8]) -> Result<Self> {
        let bad = |why: &str| not_a_key(path, why);
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| bad("a key that cannot be read"))?;
        let unusable = |_| bad("a key that cannot be used: it is damaged, or its public half is another one");
        match KeyAlgorithm::of(&info.algorithm) {
            Ok(KeyAlgorithm::Ed25519) => Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519).map_err(unusable),
            Ok(KeyAlgorithm::EcdsaP256) => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der).map(Self::Ecdsa).map_err(unusable)
            }
            Err(what) => Err(bad(&format!("a key {what}, neither Ed25519 nor ECDSA P-256"))),
        }
    }
}

fn wrong_password(path: &Path) -> Error {
    let reason = format!("{}: the password does not open this key", path.display());
    Error::refused(reason, SigningStep::GiveKeyPassword.into())
}

/// What only a broken machine, or one that has just begun, fails at.
fn failed(doing: &str) -> Error {
    Error::Refused { reason: format!("cannot {doing}: the cryptography of this machine failed"), next: None }
}
