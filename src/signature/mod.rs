//! Who made a bundle: keys, signatures over the bytes of `index.json`, and which keys are required.
//!
//! A signature is detached and bare (`docs/format.md`, Signatures), so cosign, openssl and HSMs make and check the same
//! one. There is no network here, and no date: an air gap has neither key servers nor a log to ask.

mod algorithm;
mod key_file;
mod pair;
mod private_key;
mod public_key;
mod required;
mod sig_file;

pub use algorithm::KeyAlgorithm;
pub(crate) use pair::write_pair;
pub use private_key::PrivateKey;
pub use public_key::PublicKey;
pub use required::{RequiredKey, RequiredKeys, SignedBy};
pub(crate) use sig_file::{beside, written};

#[cfg(test)]
mod tests;
