//! The keys that have to have signed a bundle, and the one that signs.

use std::path::{Path, PathBuf};

use clap::Args;
use oci_bundle::registry::Secret;
use oci_bundle::{Error, PrivateKey, RequiredKey, RequiredKeys, Result, SigningStep};

use super::prompt;

/// The variable with the password of a private key.
const PASSWORD: &str = "BUNDLE_KEY_PASSWORD";

/// Who has to have signed what is read.
#[derive(Args, Clone, Default)]
pub(crate) struct KeyArgs {
    /// Take nothing that this public key has not signed; A+B for both, repeatable for either
    #[arg(long, value_name = "PUB", help_heading = None::<&str>, env = "BUNDLE_REQUIRE_KEY", value_delimiter = ',')]
    require_key: Vec<String>,
    /// A signature that is not at BUNDLE.sig (repeatable)
    #[arg(long, value_name = "FILE", help_heading = None::<&str>, env = "BUNDLE_SIGNATURE", value_delimiter = ',', requires = "require_key")]
    signature: Vec<PathBuf>,
}

impl KeyArgs {
    /// The keys, read from their files.
    ///
    /// # Errors
    /// One is not there, or no key.
    pub(crate) fn required(self) -> Result<RequiredKeys> {
        let keys = self.require_key.iter().map(|text| RequiredKey::read(text)).collect::<Result<Vec<_>>>()?;
        Ok(RequiredKeys::new(keys).signatures(self.signature))
    }
}

/// A private key; where it is encrypted, its password comes from the variable or from whoever sits there.
///
/// # Errors
/// It is not there, others can read it, or it cannot be opened.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKey> {
    PrivateKey::read(path, || match given_password() {
        Some(password) => Ok(password),
        None if prompt::is_possible() => Ok(noted(prompt::hidden(&format!("Password of {}: ", path.display()))?)),
        None => {
            let message = "the key is encrypted, and there is no terminal to ask for its password".into();
            Err(Error::Usage { message, next: Some(SigningStep::GiveKeyPassword.into()) })
        }
    })
}

/// The password in the variable; one that is empty is none.
pub(crate) fn given_password() -> Option<String> {
    std::env::var(PASSWORD).ok().filter(|password| !password.is_empty())
}

/// A password that was typed, which no output shows from here on.
pub(crate) fn noted(password: String) -> String {
    drop(Secret::from(password.clone()));
    password
}
