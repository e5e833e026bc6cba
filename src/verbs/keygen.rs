//! `keygen`: a new pair of keys, for whoever signs bundles and for those who check them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result, SigningStep};
use crate::oci::Digest;
use crate::signature::{KeyAlgorithm, PrivateKey, write_pair};

/// A pair of keys to be made.
#[derive(Debug)]
pub struct Keygen {
    private: PathBuf,
    public: PathBuf,
    algorithm: KeyAlgorithm,
    password: Option<String>,
}

/// A pair of keys.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyPair {
    /// The file with the private key, which its owner alone can read.
    pub private_key: PathBuf,
    /// The file with the public key.
    pub public_key: PathBuf,
    /// How they sign.
    pub algorithm: KeyAlgorithm,
    /// sha256 of the public key's DER (SubjectPublicKeyInfo).
    pub fingerprint: Digest,
    /// A password opens the private key.
    pub encrypted: bool,
}

impl Keygen {
    /// Keys in `NAME.pem` and `NAME.pub`, as this algorithm has them.
    pub fn new(name: impl Into<PathBuf>, algorithm: KeyAlgorithm) -> Self {
        let name = name.into();
        let with = |ending: &str| {
            let mut path = name.clone().into_os_string();
            path.push(ending);
            PathBuf::from(path)
        };
        Self { private: with(".pem"), public: with(".pub"), algorithm, password: None }
    }

    /// The password that opens the private key; without one, whoever has the file can sign.
    #[must_use]
    pub fn password(self, password: Option<String>) -> Self {
        Self { password, ..self }
    }

    /// That no file is in the way; nobody's key is ever replaced.
    ///
    /// # Errors
    /// One is.
    pub fn check(&self) -> Result<()> {
        match [&self.private, &self.public].into_iter().find(|path| path.symlink_metadata().is_ok()) {
            Some(path) => {
                let message = format!("{}: the file exists, and a key is never replaced", path.display());
                Err(Error::Usage { message, next: Some(SigningStep::NameKeysOtherwise.into()) })
            }
            None => Ok(()),
        }
    }

    /// Makes them.
    ///
    /// # Errors
    /// A file is in the way, the drive takes no more, or it cannot keep a file from others.
    pub fn run(self) -> Result<KeyPair> {
        self.check()?;
        let key = PrivateKey::generate(self.algorithm)?;
        write_pair(&key, self.password.as_deref(), &self.private, &self.public)?;
        Ok(KeyPair {
            private_key: self.private,
            public_key: self.public,
            algorithm: self.algorithm,
            fingerprint: key.public_key().fingerprint(),
            encrypted: self.password.is_some(),
        })
    }
}
