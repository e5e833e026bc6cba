//! `sign`: a bundle → its signature, in a file of its own.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::opened::{Input, Opened};
use crate::archive::{Bundle, DocumentPlace};
use crate::error::{Error, NextStep, Result, SigningStep};
use crate::oci::Digest;
use crate::signature::{KeyAlgorithm, PrivateKey, beside, written};
use crate::store::Watch;

/// What to sign, and where to put the signature.
#[derive(Debug)]
pub struct Sign {
    bundle: PathBuf,
    key: PrivateKey,
    signature: Option<PathBuf>,
    force: bool,
}

/// What was signed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Signed {
    /// The bundle.
    pub bundle: PathBuf,
    /// sha256 of its `index.json`, whose bytes are signed.
    pub digest: Digest,
    /// The file with the signature.
    pub signature: PathBuf,
    /// How the key signs.
    pub algorithm: KeyAlgorithm,
    /// sha256 of the public key's DER (SubjectPublicKeyInfo).
    pub fingerprint: Digest,
}

impl Sign {
    /// This bundle, or volume of one, with this key; beside it.
    pub fn new(bundle: impl Into<PathBuf>, key: PrivateKey) -> Self {
        Self { bundle: bundle.into(), key, signature: None, force: false }
    }

    /// Another place for the signature.
    #[must_use]
    pub fn signature(self, signature: Option<PathBuf>) -> Self {
        Self { signature, ..self }
    }

    /// A signature that is there may be replaced.
    #[must_use]
    pub fn force(self, force: bool) -> Self {
        Self { force, ..self }
    }

    /// Signs. The bundle has the form of one; its layers are not read, since their digests are what is signed.
    ///
    /// # Errors
    /// It is no bundle, or damaged, or the signature cannot be written.
    pub fn run(self, watch: &dyn Watch) -> Result<Signed> {
        let path = self.signature.unwrap_or_else(|| beside(&self.bundle));
        if self.bundle.as_os_str() == "-" {
            let message = "-: a file can be signed, standard input cannot".into();
            return Err(Error::Usage { message, next: Some(NextStep::CheckPath) });
        }
        let place = DocumentPlace::open(&path, self.force)?;
        let signed = index_json(&self.bundle, watch).and_then(|(bytes, digest)| Ok((self.key.sign(&bytes)?, digest)));
        let (signature, digest) = match signed {
            Ok(signed) => signed,
            Err(error) => {
                place.give_up();
                return Err(error);
            }
        };
        place.write(written(&signature).as_bytes())?;
        let public = self.key.public_key();
        let (algorithm, fingerprint) = (public.algorithm(), public.fingerprint());
        Ok(Signed { bundle: self.bundle, digest, signature: path, algorithm, fingerprint })
    }
}

/// The bytes of `index.json` of something that is a bundle, with all that it names.
fn index_json(path: &std::path::Path, watch: &dyn Watch) -> Result<(Vec<u8>, Digest)> {
    let input = Input::new([path.to_owned()]);
    let bundle: Bundle = input.open(watch).remove(0)?;
    let Some(bytes) = bundle.signed_bytes()? else {
        let message = format!("{}: a layout of another tool, and only a bundle can be signed", path.display());
        return Err(Error::Usage { message, next: Some(SigningStep::PackFirst.into()) });
    };
    let digest = bundle.index().digest.clone();
    Opened::new(vec![bundle], None, 1, input.max_manifests, watch)?.check()?;
    Ok((bytes, digest))
}
