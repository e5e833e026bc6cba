//! Whatever is wrong with a signature, a key or what was signed: each has its message and its status, and no request is
//! sent before it is found.

use data_encoding_like::base64;

use crate::scene::fixtures;
use crate::signing_scene::{Drive, PASSWORD};
use crate::support::registry::{Registry, digest_like};

/// What is done to the drive, what is then imported, the status, and what is said.
type Case = (&'static str, fn(&Drive), &'static [&'static str], i32, &'static str);

const BY_ED25519: &[&str] = &["images.tar", "--require-key", "ed25519.pub"];

const BYTES: &[Case] = &[
    ("nothing was done", |_| {}, BY_ED25519, 0, "signed     images.tar  with ed25519.pub"),
    ("a name in index.json", rename_image, BY_ED25519, 3, "index.json hashes to sha256:"),
    (
        "a name in index.json, and bundle.json made to fit",
        |d| {
            rename_image(d);
            let now = digest_like("sha256:", &d.index_json("images.tar"));
            let before = "before.tar";
            let then = digest_like("sha256:", &d.index_json(before));
            d.replace("images.tar", then.as_bytes(), now.as_bytes());
        },
        BY_ED25519,
        3,
        "images.tar: images.tar.sig does not fit: signed with another key than ed25519.pub (Ed25519), or another index.json",
    ),
    ("another bundle in its place", |d| d.write("images.tar", d.read("other.tar")), BY_ED25519, 3, "does not fit"),
    ("a manifest", |d| d.replace("images.tar", b"\"layers\":[", b"\"layerS\":["), BY_ED25519, 3, "hashes to sha256:"),
    ("the end cut off", |d| d.write("images.tar", &d.read("images.tar")[..40_000]), BY_ED25519, 3, "images.tar: "),
    (
        "bytes after the end",
        |d| d.write("images.tar", [d.read("images.tar"), vec![1; 512]].concat()),
        BY_ED25519,
        3,
        "",
    ),
    ("what is absent", |d| d.replace("images.tar", b"{\"formatVersion\"", b"{\"formatversion\""), BY_ED25519, 3, ""),
];

const SIGNATURES: &[Case] = &[
    ("none", |d| d.remove("images.tar.sig"), BY_ED25519, 3, "not signed: there is no images.tar.sig"),
    ("an empty one", |d| d.write("images.tar.sig", " \n"), BY_ED25519, 3, "not a signature: it is empty"),
    ("one flipped", |d| flip(d, "images.tar.sig"), BY_ED25519, 3, "images.tar.sig does not fit"),
    (
        "one cut off",
        |d| d.write("images.tar.sig", &d.read("images.tar.sig")[..50]),
        BY_ED25519,
        3,
        "not a signature: it is not base64",
    ),
    ("one too long", |d| d.write("images.tar.sig", "A".repeat(5000)), BY_ED25519, 3, "it has more than 4096 bytes"),
    ("a key", |d| d.write("images.tar.sig", d.read("ed25519.pub")), BY_ED25519, 3, "it is a PEM: a key, perhaps"),
    ("a document", |d| d.write("images.tar.sig", "{\"a\":1}"), BY_ED25519, 3, "it is a document of Sigstore"),
    ("raw bytes", |d| d.write("images.tar.sig", [200; 64]), BY_ED25519, 3, "it is not base64"),
    ("63 bytes", |d| d.write("images.tar.sig", base64(&[7; 63])), BY_ED25519, 3, "neither the form of Ed25519 nor"),
    (
        "a directory",
        |d| {
            d.remove("images.tar.sig");
            std::fs::create_dir(d.path("images.tar.sig")).expect("a directory");
        },
        BY_ED25519,
        3,
        "not a signature: not a plain file",
    ),
    ("of another bundle", |d| d.rename("other.tar.sig", "images.tar.sig"), BY_ED25519, 3, "does not fit"),
    (
        "one that is not there",
        |_| {},
        &["images.tar", "--require-key", "p256.pub", "--signature", "gone.sig"],
        2,
        "gone.sig",
    ),
    (
        "two, and none fits",
        |_| {},
        &["images.tar", "--require-key", "new.pub", "--signature", "other.tar.sig"],
        3,
        "none of other.tar.sig, images.tar.sig fits",
    ),
    ("a name alone", |_| {}, &["images.tar", "--signature", "images.tar.sig"], 2, "--require-key"),
];

const KEYS: &[Case] = &[
    ("another one", |_| {}, &["images.tar", "--require-key", "new.pub"], 3, "another key than new.pub (Ed25519)"),
    (
        "of the other kind",
        |_| {},
        &["images.tar", "--require-key", "p256.pub"],
        3,
        "signed with another key: one for Ed25519, and required is p256.pub (ECDSA P-256)",
    ),
    (
        "two others",
        |_| {},
        &["images.tar", "--require-key", "new.pub", "--require-key", "p256.pub"],
        3,
        "another key than new.pub (Ed25519), p256.pub (ECDSA P-256)",
    ),
    (
        "two, and one has signed",
        |_| {},
        &["images.tar", "--require-key", "ed25519.pub+p256.pub"],
        3,
        "signed with ed25519.pub, and not with p256.pub: all of them are required",
    ),
    (
        "one under two names",
        |d| d.write("same.pub", d.read("ed25519.pub")),
        &["images.tar", "--require-key", "ed25519.pub+same.pub"],
        2,
        "the same key as ed25519.pub",
    ),
    ("half a pair", |_| {}, &["images.tar", "--require-key", "ed25519.pub+"], 2, "the name of a key's file is missing"),
    ("the private one", |_| {}, &["images.tar", "--require-key", "ed25519.pem"], 2, "`PRIVATE KEY` is no public key"),
    ("of RSA", |_| {}, &["images.tar", "--require-key", "rsa.pub"], 2, "a key of the kind RSA"),
    ("of P-384", |_| {}, &["images.tar", "--require-key", "p384.pub"], 2, "a key of the curve P-384"),
    ("none there", |_| {}, &["images.tar", "--require-key", "gone.pub"], 2, "gone.pub: no such file"),
    ("an empty file", |d| d.write("ed25519.pub", ""), BY_ED25519, 2, "ed25519.pub: no key in PEM"),
    ("a damaged one", |d| d.replace("ed25519.pub", b"MCow", b"MCox"), BY_ED25519, 2, "ed25519.pub: a public key"),
];

const FILES: &[Case] = &[
    (
        "a bundle under another name",
        |d| d.rename("images.tar", "moved.tar"),
        &["moved.tar", "--require-key", "ed25519.pub"],
        3,
        "not signed: there is no moved.tar.sig",
    ),
    (
        "standard input",
        |_| {},
        &["-", "--require-key", "ed25519.pub"],
        3,
        "not signed: nothing is beside standard input",
    ),
    (
        "a layout of another tool",
        |d| crate::support::fixtures::write(&d.path("layout")),
        &["layout/images", "--require-key", "ed25519.pub"],
        3,
        "only a bundle can be signed",
    ),
    (
        "of two, one is not signed",
        |d| d.remove("other.tar.sig"),
        &["images.tar", "other.tar", "--require-key", "ed25519.pub"],
        3,
        "other.tar: not signed",
    ),
    (
        "of two, one is damaged and not signed",
        |d| {
            d.remove("other.tar.sig");
            d.write("other.tar", &d.read("other.tar")[..d.read("other.tar").len() - 2000]);
        },
        &["images.tar", "other.tar", "--require-key", "ed25519.pub"],
        3,
        "other.tar: not signed",
    ),
    (
        "of two, one is nothing",
        |d| d.write("other.tar", "nothing"),
        &["images.tar", "other.tar", "--require-key", "ed25519.pub"],
        3,
        "other.tar: ",
    ),
    (
        "volumes without a signature",
        volumes,
        &["v-1of2.tar", "v-2of2.tar", "--require-key", "ed25519.pub"],
        3,
        "v-1of2.tar: not signed: there is no v-1of2.tar.sig",
    ),
    (
        "a volume of another bundle",
        |d| {
            volumes(d);
            d.run("sign", &["v-1of2.tar", "--key", "ed25519.pem"]).succeeds();
            d.run("pack", &["other.tar", "--volume-size", "24KiB", "-o", "w.tar"]).succeeds();
            d.rename("w-1of2.tar", "v-2of2.tar");
        },
        &["v-1of2.tar", "v-2of2.tar", "--require-key", "ed25519.pub"],
        3,
        "v-2of2.tar: v-1of2.tar.sig does not fit",
    ),
];

/// A name of one image becomes another of one length, in `index.json` alone.
fn rename_image(drive: &Drive) {
    drive.write("before.tar", drive.read("images.tar"));
    drive.replace("images.tar", b"google-containers/pause", b"google-containers/pausE");
    drive.replace("images.tar", b"google-containers/pausE", b"google-containers/paus0");
}

fn flip(drive: &Drive, name: &str) {
    let mut bytes = drive.read(name);
    bytes[10] = if bytes[10] == b'A' { b'B' } else { b'A' };
    drive.write(name, bytes);
}

fn volumes(drive: &Drive) {
    drive.run("pack", &["images.tar", "--volume-size", "100KiB", "-o", "v.tar"]).succeeds();
}

/// Base64 as RFC 4648 has it, written down a second time.
mod data_encoding_like {
    pub(super) fn base64(bytes: &[u8]) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let three = |chunk: &[u8]| {
            let number = chunk.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
            let letter = |n: usize| LETTERS[((number >> (18 - 6 * n)) & 63) as usize] as char;
            (0..4).map(|n| if n <= chunk.len() { letter(n) } else { '=' }).collect::<String>()
        };
        bytes.chunks(3).map(three).collect()
    }
}

fn check(cases: &[Case]) {
    for (label, prepare, args, status, says) in cases {
        let drive = Drive::new();
        drive.run("keygen", &["new", "--no-password", "--algorithm", "ed25519"]).succeeds();
        prepare(&drive);
        let registry = Registry::start();
        let out = drive.import(&registry, args).stdin(drive.read("other.tar")).run();
        assert_eq!(out.code, Some(*status), "{label}: {}", out.all());
        assert!(out.all().contains(says), "{label}: {says:?} is not in: {}", out.all());
        let requests = registry.requests();
        assert_eq!(requests.is_empty(), *status != 0, "{label}: {requests:?}");
        if *status == 3 && !says.is_empty() {
            // The others that read bundles say the same.
            let read: Vec<&str> = args.to_vec();
            for verb in ["list", "verify", "pack"] {
                let more: &[&str] = if verb == "pack" { &["-o", "packed.tar"] } else { &[] };
                let out = drive.run_with(verb, &read, more);
                assert_eq!(out.code, Some(3), "{label}: {verb}: {}", out.all());
            }
            assert!(!drive.path("packed.tar").exists(), "{label}");
        }
    }
}

impl Drive {
    fn run_with(&self, verb: &str, args: &[&str], more: &[&str]) -> crate::support::run::Output {
        self.command(verb, args).args(more).stdin(self.read("other.tar")).run()
    }
}

#[test]
fn bytes_that_changed_after_they_were_signed_are_refused_before_any_request() {
    check(BYTES);
}

#[test]
fn files_that_are_no_signature_of_this_bundle_are_refused_before_any_request() {
    check(SIGNATURES);
}

#[test]
fn keys_that_are_not_those_required_are_refused_before_any_request() {
    check(KEYS);
}

#[test]
fn files_that_no_signature_is_for_are_refused_before_any_request() {
    check(FILES);
}

#[test]
fn a_key_that_cannot_sign_leaves_no_signature() {
    let drive = Drive::new();
    drive.remove("images.tar.sig");
    drive.mode("p256.pem", 0o640);
    drive.mode("ed25519.encrypted.pem", 0o600);
    let layout = fixtures().join("images").display().to_string();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["images.tar", "--key", "p256.pem"], 4, "a private key that others may use: its mode is 0640"),
        (&["images.tar", "--key", "ed25519.encrypted.pem"], 4, "the password does not open this key"),
        (&["images.tar", "--key", "ed25519.pub"], 2, "what signs is the private one"),
        (&["images.tar", "--key", "sec1.pem"], 2, "is read as PKCS #8 only"),
        (&[&layout, "--key", "ed25519.pem"], 2, "only a bundle can be signed"),
        (&["other.tar", "--key", "ed25519.pem"], 2, "other.tar.sig: the file exists"),
    ];
    for (args, status, says) in cases {
        let out = drive.command("sign", args).env("BUNDLE_KEY_PASSWORD", "wrong-word").run().exits(status);
        assert!(out.stderr.contains(says) && !out.all().contains("wrong-word"), "{}", out.all());
        assert!(!drive.path("images.tar.sig").exists());
    }
    let said = drive.run("sign", &["images.tar", "--key", "ed25519.encrypted.pem"]).exits(2);
    assert!(said.stderr.contains("terminal to ask for its password"), "{}", said.all());
    let right = drive.command("sign", &["images.tar", "--key", "ed25519.encrypted.pem"]);
    right.env("BUNDLE_KEY_PASSWORD", PASSWORD).run().succeeds();
}
