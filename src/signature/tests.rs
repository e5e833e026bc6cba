//! Against keys and signatures that openssl made: `fixtures/signatures/make` makes them anew.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::error::{Error, Kind};

const PASSWORD: &str = "correct horse";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/signatures").join(name)
}

fn message() -> Vec<u8> {
    fs::read(fixture("index.json")).expect("a fixture")
}

/// A copy of a fixture that only its owner can read.
fn own(name: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(name);
    fs::copy(fixture(name), &path).expect("a copy");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    (directory, path)
}

fn read(name: &str, password: &str) -> Result<PrivateKey, Error> {
    let (_directory, path) = own(name);
    PrivateKey::read(&path, || Ok(password.to_owned()))
}

fn required(names: &[&str]) -> RequiredKeys {
    let key = |name: &&str| {
        let paths: Vec<String> = name.split('+').map(|name| fixture(name).display().to_string()).collect();
        RequiredKey::read(&paths.join("+")).expect("a key")
    };
    RequiredKeys::new(names.iter().map(key).collect())
}

#[test]
fn what_openssl_signed_is_verified_and_nothing_else_is() {
    for name in ["ed25519", "p256"] {
        let (keys, sig) = (required(&[&format!("{name}.pub")]), [fixture(&format!("{name}.sig"))]);
        let signed = keys.check(&message(), &sig).expect("signed");
        let fingerprint = fs::read_to_string(fixture(&format!("{name}.fingerprint"))).expect("a fixture");
        assert_eq!(signed[0].fingerprint.hex(), fingerprint.trim());
        let mut other = message();
        for at in [0, other.len() / 2, other.len() - 1] {
            other[at] ^= 1;
            assert_eq!(keys.check(&other, &sig).expect_err("other bytes").kind(), Kind::Content);
            other[at] ^= 1;
        }
        other.push(b'\n');
        assert!(keys.check(&other, &sig).is_err());
    }
}

#[test]
fn keys_of_openssl_sign_also_when_they_are_encrypted() {
    for (name, public) in [
        ("ed25519.pem", "ed25519.pub"),
        ("ed25519.encrypted.pem", "ed25519.pub"),
        ("ed25519.scrypt.pem", "ed25519.pub"),
        ("p256.pem", "p256.pub"),
        ("p256.encrypted.pem", "p256.pub"),
        ("p256.sha512.pem", "p256.pub"),
    ] {
        let key = read(name, PASSWORD).expect(name);
        let public = PublicKey::read(&fixture(public)).expect("a key");
        assert_eq!(key.public_key(), public, "{name}");
        assert!(public.verifies(&message(), &key.sign(&message()).expect("signed")), "{name}");
    }
    // Ed25519 has one signature for each message: ours is that of openssl, byte for byte.
    let ours = read("ed25519.pem", "").expect("a key").sign(&message()).expect("signed");
    assert_eq!(written(&ours), fs::read_to_string(fixture("ed25519.sig")).expect("a fixture"));
}

#[test]
fn a_wrong_password_is_said_to_be_one_and_a_key_that_is_not_encrypted_asks_for_none() {
    for name in ["ed25519.encrypted.pem", "ed25519.scrypt.pem", "p256.sha512.pem"] {
        let error = read(name, "wrong").expect_err("a wrong password");
        assert!(error.to_string().contains("the password does not open this key"), "{error}");
        assert_eq!(error.kind(), Kind::Act);
    }
    let (_directory, path) = own("p256.pem");
    PrivateKey::read(&path, || panic!("nobody is asked")).expect("a key");
}

#[test]
fn a_private_key_that_others_may_use_is_refused_whatever_they_may_do() {
    let (_directory, path) = own("ed25519.pem");
    for mode in [0o604, 0o640, 0o602, 0o610, 0o644, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        let error = PrivateKey::read(&path, || Ok(String::new())).expect_err("others can read it");
        assert!(error.to_string().contains(&format!("its mode is {mode:04o}")), "{error}");
        assert_eq!(error.kind(), Kind::Act);
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("a mode");
    PrivateKey::read(&path, || Ok(String::new())).expect("its owner alone");
}

#[test]
fn new_keys_are_read_again_and_sign() {
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm).expect("a key");
        let directory = tempfile::tempdir().expect("a directory");
        let (private, public) = (directory.path().join("key.pem"), directory.path().join("key.pub"));
        fs::write(&public, key.public_key().to_pem()).expect("written");
        for password in [None, Some(PASSWORD)] {
            let pem = key.to_pem(password).expect("a PEM");
            assert_eq!(pem.contains("ENCRYPTED"), password.is_some());
            fs::write(&private, pem).expect("written");
            fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).expect("a mode");
            let again = PrivateKey::read(&private, || Ok(PASSWORD.into())).expect("a key");
            let public = PublicKey::read(&public).expect("a key");
            assert_eq!((again.public_key(), public.algorithm()), (public.clone(), algorithm));
            assert!(public.verifies(b"text", &again.sign(b"text").expect("signed")));
        }
    }
}

#[test]
fn keys_of_other_kinds_are_refused_by_their_names() {
    for (name, what) in [
        ("p384.pem", "of the curve P-384"),
        ("rsa.pem", "of the kind RSA"),
        ("sec1.pem", "`EC PRIVATE KEY` is read as PKCS #8 only"),
        ("p256.pub", "a public key; what signs is the private one"),
        ("p256.sig", "no key in PEM"),
    ] {
        let error = read(name, "").expect_err(name);
        assert!(error.to_string().contains(what), "{name}: {error}");
        assert_eq!(error.kind(), Kind::Usage);
    }
    for (name, what) in [
        ("p384.pub", "of the curve P-384"),
        ("rsa.pub", "of the kind RSA"),
        ("ed25519.pem", "`PRIVATE KEY` is no public key"),
        ("index.json", "no key in PEM"),
    ] {
        let error = PublicKey::read(&fixture(name)).expect_err(name);
        assert!(error.to_string().contains(what), "{name}: {error}");
    }
}

#[test]
fn any_of_the_required_keys_is_enough_and_all_of_a_group() {
    let (ed25519, p256) = (fixture("ed25519.sig"), fixture("p256.sig"));
    let one = [ed25519.clone()];
    required(&["p256.pub", "ed25519.pub"]).check(&message(), &one).expect("one of them");
    let both = required(&["p256.pub+ed25519.pub"]);
    let error = both.check(&message(), &one).expect_err("one alone");
    assert!(error.to_string().contains("all of them are required"), "{error}");
    assert_eq!(both.check(&message(), &[ed25519, p256]).expect("both").len(), 2);
    required(&["p256.pub+ed25519.pub", "ed25519.pub"]).check(&message(), &one).expect("the second");
    let twice = format!("{0}+{0}", fixture("p256.pub").display());
    assert!(RequiredKey::read(&twice).expect_err("one key twice").to_string().contains("the same key"));
    assert!(RequiredKey::read("+").is_err());
}

#[test]
fn a_signature_stands_beside_its_bundle_whatever_that_is() {
    for (bundle, sig) in [("a/images.tar", "a/images.tar.sig"), ("images/", "images.sig"), ("b", "b.sig")] {
        assert_eq!(beside(Path::new(bundle)), Path::new(sig));
    }
}
