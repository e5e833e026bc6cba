//! `bundle keygen`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use oci_bundle::keygen::Keygen;
use oci_bundle::{Error, KeyAlgorithm, SigningStep};

use super::errors::Failure;
use super::key_args::{given_password, noted};
use super::progress::Progress;
use super::{prompt, report};

/// Make a pair of keys: one that signs bundles, and one that checks them
#[derive(Args)]
#[command(
    override_usage = "bundle keygen [OPTIONS] NAME",
    after_help = "Example:\n  bundle keygen release\n\nrelease.pem signs, and stays with you; release.pub goes to those who \
check, by another way than the bundles."
)]
pub(crate) struct KeygenArgs {
    /// What the files are called: NAME.pem and NAME.pub
    #[arg(value_name = "NAME")]
    name: PathBuf,
    /// ecdsa-p256, which cosign and HSMs have too, or ed25519
    #[arg(long, value_name = "ALGORITHM", default_value = "ecdsa-p256", hide_possible_values = true, value_parser = algorithm(), env = "BUNDLE_ALGORITHM")]
    algorithm: KeyAlgorithm,
    /// Leave the private key unencrypted: anyone who has the file can sign
    #[arg(long)]
    no_password: bool,
}

fn algorithm() -> impl TypedValueParser<Value = KeyAlgorithm> {
    let all = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Ed25519].map(KeyAlgorithm::as_str);
    PossibleValuesParser::new(all).try_map(|text| text.parse::<KeyAlgorithm>())
}

impl KeygenArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let keygen = Keygen::new(self.name, self.algorithm);
        // Before somebody thinks of a password for nothing.
        keygen.check()?;
        let password = if self.no_password { None } else { Some(password()?) };
        let pair = keygen.password(password).run()?;
        if progress.talk().json {
            report::json(Some(&pair), None::<()>);
            return Ok(());
        }
        let encrypted = if pair.encrypted { "encrypted" } else { "not encrypted: anyone who has it can sign" };
        progress.say("private", &format!("{}  {encrypted}", pair.private_key.display()));
        progress.say("public", &format!("{}  {}  {}", pair.public_key.display(), pair.algorithm, pair.fingerprint));
        Ok(())
    }
}

/// The password of the variable, or one that somebody types twice alike.
fn password() -> Result<String, Failure> {
    if let Some(password) = given_password() {
        return Ok(password);
    }
    if !prompt::is_possible() {
        let message = "no password for the private key, and no terminal to ask for one".into();
        return Err(Error::Usage { message, next: Some(SigningStep::ChooseKeyPassword.into()) }.into());
    }
    let password = noted(prompt::hidden("Password of the new key: ")?);
    if prompt::hidden("The same again: ")? != password {
        return Err(Error::usage("the two passwords are not the same").into());
    }
    Ok(password)
}
