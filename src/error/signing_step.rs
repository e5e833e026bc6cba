//! `SigningStep`: the part of the catalogue of next steps that is about keys and signatures.

use std::path::PathBuf;

/// One thing to do about a key or a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum SigningStep {
    /// Find out who signed, and which file.
    AskWhoSigned,
    /// Bring the signature along, or have one made.
    BringSignature,
    /// Give a password for a new key, or say that it has none.
    ChooseKeyPassword,
    /// Convert a key to PKCS #8.
    ConvertKey {
        /// The file.
        file: PathBuf,
    },
    /// Give the password of an encrypted key.
    GiveKeyPassword,
    /// Give the file of a public key.
    GivePublicKey,
    /// Make a pair of keys.
    MakeKey,
    /// Give a new pair of keys another name.
    NameKeysOtherwise,
    /// Make a bundle of a layout of another tool.
    PackFirst,
    /// Keep others from reading a private key.
    RestrictKey {
        /// The file.
        file: PathBuf,
    },
    /// Let cosign sign, whose key it is.
    SignWithCosign,
}
