//! The words of the steps about keys and signatures.

use std::borrow::Cow;
use std::path::Path;

use oci_bundle::SigningStep;

use super::super::text::shell_word;

/// One or several ways, parted by `; or `.
pub(super) fn words(step: &SigningStep) -> Cow<'static, str> {
    let words = match step {
        SigningStep::AskWhoSigned => {
            "ask who signed, and with which key; compare the digest that `bundle list` shows with what they have"
        }
        SigningStep::BringSignature => {
            "bring the .sig of this very file; or name it with --signature; or have it signed where it comes from, by \
             `bundle sign`"
        }
        SigningStep::ChooseKeyPassword => {
            "set BUNDLE_KEY_PASSWORD to one; or leave the key unencrypted with --no-password"
        }
        SigningStep::ConvertKey { file } => {
            return format!("convert it: `openssl pkcs8 -topk8 -in {} -out key.pem`", typed(file)).into();
        }
        SigningStep::GiveKeyPassword => {
            "set BUNDLE_KEY_PASSWORD to its password; or run this at a terminal, to be asked"
        }
        SigningStep::GivePublicKey => {
            "give the public half, made by `bundle keygen` or by `openssl pkey -in KEY.pem -pubout -out KEY.pub`"
        }
        SigningStep::MakeKey => "give a key in PEM, of Ed25519 or ECDSA P-256; or make a pair with `bundle keygen`",
        SigningStep::NameKeysOtherwise => {
            "give the new pair another name: bundles that the old one signed still need it"
        }
        SigningStep::PackFirst => "make a bundle of it with `bundle pack`, and sign that",
        SigningStep::RestrictKey { file } => {
            return format!("keep it for yourself: `chmod 600 {}`", typed(file)).into();
        }
        SigningStep::SignWithCosign => {
            "it is a key of cosign: sign with `tar -xOf images.tar index.json | cosign sign-blob --key KEY -`, or make \
             another pair with `bundle keygen`"
        }
    };
    words.into()
}

fn typed(file: &Path) -> String {
    shell_word(&file.display().to_string()).into_owned()
}
