//! The two kinds of keys.

use std::fmt;
use std::str::FromStr;

use pkcs8::ObjectIdentifier;
use pkcs8::der::asn1::AnyRef;
use pkcs8::spki::AlgorithmIdentifierRef;
use schemars::JsonSchema;
use serde::Serialize;

use crate::oci::Invalid;

/// RFC 8410 §3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// RFC 5480 §2.1.1.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// RFC 5480 §2.1.1.1, also called prime256v1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256: what HSMs, cosign and every openssl have.
    EcdsaP256,
    /// Ed25519, not prehashed.
    Ed25519,
}

impl KeyAlgorithm {
    /// As it is typed, and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::Ed25519 => "ed25519",
        }
    }

    /// What an identifier stands for; what it stands for instead, where it is neither.
    pub(super) fn of(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Self, String> {
        let curve = || identifier.parameters.map(|any: AnyRef<'_>| any.decode_as::<ObjectIdentifier>());
        match identifier.oid {
            ED25519 if identifier.parameters.is_none() => Ok(Self::Ed25519),
            EC_PUBLIC_KEY => match curve() {
                Some(Ok(P256)) => Ok(Self::EcdsaP256),
                Some(Ok(other)) => Err(format!("of the curve {}", named(other))),
                _ => Err("of a curve without a name".into()),
            },
            other => Err(format!("of the kind {}", named(other))),
        }
    }

    /// What the identifier of such a key is in DER, with the header of the key around its raw public bytes.
    pub(super) fn public_der(self, raw: &[u8]) -> Vec<u8> {
        // RFC 8410 §4 and RFC 5480 §2: both have one form only.
        let head: &[u8] = match self {
            Self::Ed25519 => &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
            Self::EcdsaP256 => &[
                0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
                0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
            ],
        };
        [head, raw].concat()
    }

    /// Whether bytes have the form of such a signature.
    pub(super) fn has_form_of(self, signature: &[u8]) -> bool {
        match self {
            Self::Ed25519 => signature.len() == 64,
            // A sequence of two integers whose lengths add up.
            Self::EcdsaP256 => match signature {
                [0x30, all, 0x02, r, rest @ ..] => {
                    let (all, r) = (usize::from(*all), usize::from(*r));
                    let s = rest.get(r + 1).map(|s| usize::from(*s));
                    signature.len() <= 72
                        && all + 2 == signature.len()
                        && rest.get(r) == Some(&0x02)
                        && s.is_some_and(|s| r + s + 6 == signature.len())
                }
                _ => false,
            },
        }
    }
}

/// What people call it.
fn named(oid: ObjectIdentifier) -> String {
    let name = match oid.to_string().as_str() {
        "1.2.840.113549.1.1.1" => "RSA",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.3.101.113" => "Ed448",
        "1.3.101.110" => "X25519",
        other => return other.to_owned(),
    };
    name.to_owned()
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::Ed25519 => "Ed25519",
        })
    }
}

impl FromStr for KeyAlgorithm {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "ecdsa-p256" => Ok(Self::EcdsaP256),
            "ed25519" => Ok(Self::Ed25519),
            _ => Err(Invalid::new("expected is ecdsa-p256 or ed25519")),
        }
    }
}
