//! Keys and signatures.

use super::told::Told;
use crate::signing_scene::Drive;

pub(super) fn scenes(told: &mut Told) {
    let drive = Drive::new();
    told.know_place(&drive.path(""));
    told.know_place(drive.path("x").parent().expect("a directory"));
    drive.mode("p256.pem", 0o644);
    drive.write("cosign.key", "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n-----END\n");
    drive.mode("cosign.key", 0o600);
    let layout = crate::scene::fixtures().join("images").display().to_string();
    told.know(&layout, "layout");
    let sign = |key: &str| drive.run("sign", &["images.tar", "--force", "--key", key]);
    told.add("sign with a key that others can read", &sign("p256.pem").exits(4));
    told.add("sign with a key of openssl 1", &sign("sec1.pem").exits(2));
    told.add("sign with a key of cosign", &sign("cosign.key").exits(2));
    told.add("sign with a key of RSA", &sign("rsa.pem").exits(2));
    told.add("sign with an encrypted key and nobody to ask", &sign("ed25519.encrypted.pem").exits(2));
    let wrong = drive.command("sign", &["images.tar", "--force", "--key", "ed25519.encrypted.pem"]);
    told.add("sign with a wrong password", &wrong.env("BUNDLE_KEY_PASSWORD", "wrong-word").run().exits(4));
    told.add("sign a layout", &drive.run("sign", &[&layout, "--key", "ed25519.pem", "--signature", "x.sig"]).exits(2));
    told.add("sign a second time", &drive.run("sign", &["images.tar", "--key", "ed25519.pem"]).exits(2));
    told.add("make keys without a password", &drive.run("keygen", &["mine"]).exits(2));
    told.add("make keys a second time", &drive.run("keygen", &["ed25519", "--no-password"]).exits(2));
    let list = |args: &[&str]| drive.run("list", args);
    told.add("list with a private key required", &list(&["images.tar", "--require-key", "ed25519.pem"]).exits(2));
    told.add("list signed with a key of another kind", &list(&["images.tar", "--require-key", "p256.pub"]).exits(3));
    let both = "ed25519.pub+p256.pub";
    told.add("list signed with one of two keys", &list(&["images.tar", "--require-key", both]).exits(3));
    drive.write("images.tar.sig", drive.read("other.tar.sig"));
    told.add("list with the signature of another", &list(&["images.tar", "--require-key", "ed25519.pub"]).exits(3));
    drive.write("images.tar.sig", "{}");
    told.add("list with no signature in the file", &list(&["images.tar", "--require-key", "ed25519.pub"]).exits(3));
    drive.remove("images.tar.sig");
    told.add("list without a signature", &list(&["images.tar", "--require-key", "ed25519.pub"]).exits(3));
    told.add("list of a layout with a key required", &list(&[&layout, "--require-key", "ed25519.pub"]).exits(3));
}
