//! `bundle sign`

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use oci_bundle::sign::Sign;

use super::errors::Failure;
use super::key_args::private_key;
use super::progress::Progress;
use super::report;

/// Sign a bundle; the signature is a small file beside it
#[derive(Args)]
#[command(
    override_usage = "bundle sign --key KEY.pem [OPTIONS] BUNDLE",
    after_help = "Example:\n  bundle sign images.tar --key release.pem\n\nimages.tar.sig is then what cosign and openssl \
make of the same bytes, index.json. One signature is for all volumes of a bundle and for its deltas. Who has the \
public key asks for it with --require-key."
)]
pub(crate) struct SignArgs {
    /// The bundle, or one volume of it
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The private key: Ed25519 or ECDSA P-256, in PEM (PKCS #8); for an encrypted one BUNDLE_KEY_PASSWORD is taken, or asked for
    #[arg(long, value_name = "KEY.pem", env = "BUNDLE_SIGN_KEY")]
    key: PathBuf,
    /// Where the signature goes, instead of BUNDLE.sig
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Replace a signature that is there
    #[arg(long, env = "BUNDLE_FORCE")]
    force: bool,
}

impl SignArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        let key = private_key(&self.key)?;
        let sign = Sign::new(self.bundle, key).signature(self.signature).force(self.force);
        let signed = sign.run(progress.as_ref())?;
        if progress.talk().json {
            report::json(Some(&signed), None::<()>);
            return Ok(());
        }
        let (bundle, signature) = (signed.bundle.display(), signed.signature.display());
        progress.say("signed", &format!("{bundle}  bundle {}", signed.digest));
        progress.say("wrote", &format!("{signature}  {}  {}", signed.algorithm, signed.fingerprint));
        Ok(())
    }
}
