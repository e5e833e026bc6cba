//! Which keys have to have signed, and whether they have.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::algorithm::KeyAlgorithm;
use super::public_key::PublicKey;
use super::sig_file::SigFile;
use crate::error::{Error, Result, SigningStep};
use crate::oci::Digest;

/// Between keys that all have to have signed.
const AND: char = '+';

/// A key, or several that are good together alone.
#[derive(Clone, Debug)]
pub struct RequiredKey {
    keys: Vec<(PathBuf, PublicKey)>,
}

/// Any of these is enough.
#[derive(Clone, Debug, Default)]
pub struct RequiredKeys {
    any: Vec<RequiredKey>,
    signatures: Vec<PathBuf>,
}

/// That a key has signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SignedBy {
    /// The file with the public key.
    pub key: PathBuf,
    /// How it signs.
    pub algorithm: KeyAlgorithm,
    /// sha256 of the key's DER (SubjectPublicKeyInfo).
    pub fingerprint: Digest,
    /// The file with the signature.
    pub signature: PathBuf,
}

impl RequiredKey {
    /// Reads `FILE`, or `FILE+FILE` for keys that all have to have signed.
    ///
    /// # Errors
    /// A file is not there or no public key, or two of them are one key.
    pub fn read(text: &str) -> Result<Self> {
        let mut keys: Vec<(PathBuf, PublicKey)> = Vec::new();
        for name in text.split(AND) {
            if name.is_empty() {
                let message = format!("`{}`: the name of a key's file is missing", text.escape_debug());
                return Err(Error::Usage { message, next: Some(SigningStep::GivePublicKey.into()) });
            }
            let key = PublicKey::read(Path::new(name))?;
            // Two persons are to sign, and one would be enough.
            if let Some((other, _)) = keys.iter().find(|(_, other)| *other == key) {
                let message = format!("{name}: the same key as {}, so one signature would be both", other.display());
                return Err(Error::Usage { message, next: Some(SigningStep::GivePublicKey.into()) });
            }
            keys.push((name.into(), key));
        }
        Ok(Self { keys })
    }
}

impl RequiredKeys {
    /// Any of these keys; none, where nothing is required.
    pub fn new(any: Vec<RequiredKey>) -> Self {
        Self { any, signatures: Vec::new() }
    }

    /// Signatures that are not beside their bundle.
    #[must_use]
    pub fn signatures(self, signatures: Vec<PathBuf>) -> Self {
        Self { signatures, ..self }
    }

    /// A key is required.
    pub fn are_some(&self) -> bool {
        !self.any.is_empty()
    }

    /// The keys that have signed this `index.json`, of signatures that were named and of those at these paths.
    ///
    /// # Errors
    /// They are not those that are required: bad content. Or a file cannot be read.
    pub(crate) fn check(&self, index_json: &[u8], beside: &[PathBuf]) -> Result<Vec<SignedBy>> {
        let mut files = self.signatures.iter().map(|path| SigFile::read(path)).collect::<Result<Vec<_>>>()?;
        for path in beside {
            files.extend(SigFile::read_if_there(path)?);
        }
        let mut best: Vec<(&RequiredKey, Vec<SignedBy>)> = Vec::new();
        for required in &self.any {
            let signed: Vec<SignedBy> =
                required.keys.iter().filter_map(|(path, key)| signed(path, key, index_json, &files)).collect();
            if signed.len() == required.keys.len() {
                return Ok(signed);
            }
            best.push((required, signed));
        }
        best.sort_by_key(|(_, signed)| std::cmp::Reverse(signed.len()));
        Err(match best.first() {
            Some((required, signed)) if !signed.is_empty() => too_few(required, signed),
            _ => self.unmet(&files, beside),
        })
    }

    /// Why no key has signed.
    fn unmet(&self, files: &[SigFile], beside: &[PathBuf]) -> Error {
        let Some(first) = files.first() else {
            let place = match beside.first() {
                Some(path) => format!("there is no {}", path.display()),
                None => "nothing is beside standard input".into(),
            };
            return Error::content(format!("not signed: {place}")).advised([SigningStep::BringSignature.into()]);
        };
        let shown: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
        let shown = shown.join(", ");
        let good: Vec<&[u8]> = files.iter().filter_map(|file| file.signature.as_deref().ok()).collect();
        if good.is_empty() {
            let what = first.signature.as_ref().err().map_or("", String::as_str);
            let reason = format!("{}: not a signature: {what}", first.path.display());
            return Error::content(reason).advised([SigningStep::BringSignature.into()]);
        }
        let has_form = |algorithm: KeyAlgorithm| good.iter().any(|signature| algorithm.has_form_of(signature));
        let keys = || self.any.iter().flat_map(|required| &required.keys);
        let all: Vec<String> = keys().map(|(path, key)| format!("{} ({})", path.display(), key.algorithm())).collect();
        let all = all.join(", ");
        let found = [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Ed25519].into_iter().find(|one| has_form(*one));
        let Some(found) = found else {
            let reason = format!("{shown}: not a signature: neither the form of Ed25519 nor that of ECDSA P-256");
            return Error::content(reason).advised([SigningStep::BringSignature.into()]);
        };
        if !keys().any(|(_, key)| has_form(key.algorithm())) {
            let reason = format!("{shown}: signed with another key: one for {found}, and required is {all}");
            return Error::content(reason).advised([SigningStep::AskWhoSigned.into()]);
        }
        let what = if files.len() > 1 { format!("none of {shown} fits") } else { format!("{shown} does not fit") };
        let reason = format!("{what}: signed with another key than {all}, or another index.json than this one");
        Error::content(reason).advised([SigningStep::AskWhoSigned.into()])
    }
}

/// That this key made one of these signatures.
fn signed(path: &Path, key: &PublicKey, index_json: &[u8], files: &[SigFile]) -> Option<SignedBy> {
    let fits = |file: &&SigFile| file.signature.as_ref().is_ok_and(|signature| key.verifies(index_json, signature));
    let file = files.iter().find(fits)?;
    let (algorithm, fingerprint) = (key.algorithm(), key.fingerprint());
    Some(SignedBy { key: path.to_owned(), algorithm, fingerprint, signature: file.path.clone() })
}

/// Some of several keys have signed.
fn too_few(required: &RequiredKey, signed: &[SignedBy]) -> Error {
    let has = |path: &Path| signed.iter().any(|one| one.key == path);
    let names = |wanted: bool| {
        let names = required.keys.iter().filter(|(path, _)| has(path) == wanted);
        names.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    let reason = format!("signed with {}, and not with {}: all of them are required", names(true), names(false));
    Error::content(reason).advised([SigningStep::BringSignature.into()])
}
