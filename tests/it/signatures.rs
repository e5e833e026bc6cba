//! Signed bundles: what is signed is taken, wherever it is read, and whatever form it comes in.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::deltas::{delta, put_one, put_twelve};
use crate::scene::{Scene, command};
use crate::signing_scene::{Drive, PASSWORD};
use crate::support::registry::Registry;
use crate::support::terminal::Terminal;

const KEY: [&str; 2] = ["--require-key", "ed25519.pub"];

#[test]
fn a_signed_bundle_is_taken_by_every_command_that_reads_one_and_an_unsigned_one_by_none() {
    let drive = Drive::new();
    drive.write("list.txt", "gcr.io/google-containers/pause:latest\n");
    let mirror = ["images.tar", "--registry", "h.example", "--for", "containerd"];
    let reads: [(&str, &[&str]); 5] = [
        ("list", &["images.tar"]),
        ("verify", &["images.tar"]),
        ("pack", &["images.tar", "-o", "packed.tar", "--force"]),
        ("check", &["images.tar", "-f", "list.txt"]),
        ("mirror-config", &mirror),
    ];
    for (verb, args) in reads {
        let said = drive.command(verb, args).args(KEY).run().succeeds();
        assert!(said.stderr.contains("signed     images.tar  with ed25519.pub  sha256:"), "{}", said.all());
    }
    // No word on who signed where nobody asks.
    assert!(!drive.run("list", &["images.tar"]).succeeds().all().contains("signed"));
    drive.remove("images.tar.sig");
    for (verb, args) in reads {
        let said = drive.command(verb, args).args(KEY).run().exits(3);
        assert!(said.stderr.contains("not signed") && said.stderr.contains("hint: "), "{}", said.all());
    }
    let said = drive.command("serve", &["images.tar", "--listen", "127.0.0.1:0"]).args(KEY).run().exits(3);
    assert!(said.stderr.contains("not signed"), "{}", said.all());
}

#[test]
fn a_required_key_is_what_strict_asks_for() {
    let (drive, registry) = (Drive::new(), Registry::start());
    let plain = format!("--plain-http={}", registry.host());
    let import = || drive.command("import", &["images.tar", "--strict", &plain, "--registry", &registry.host()]);
    let said = import().run().exits(2);
    assert!(
        said.stderr.contains("neither pinned nor signed") && said.stderr.contains("--require-key"),
        "{}",
        said.all()
    );
    import().args(KEY).run().succeeds();
    assert_eq!(registry.tags("library/google-containers/pause"), ["latest"]);
}

#[test]
fn several_sign_and_each_signature_is_a_file_of_its_own() {
    let drive = Drive::new();
    drive.run("sign", &["images.tar", "--key", "p256.pem", "--signature", "second.sig"]).succeeds();
    let both = ["images.tar", "--require-key", "ed25519.pub+p256.pub"];
    drive.run("list", &both).exits(3);
    let said = drive.command("list", &both).args(["--signature", "second.sig"]).run().succeeds();
    assert!(said.stderr.contains("with ed25519.pub") && said.stderr.contains("with p256.pub"), "{}", said.all());
    let either = ["images.tar", "--require-key", "p256.pub", "--require-key", "ed25519.pub"];
    drive.run("list", &either).succeeds();
}

#[test]
fn a_signature_is_named_for_what_has_nothing_beside_it() {
    let drive = Drive::new();
    let named = ["--require-key", "ed25519.pub", "--signature", "images.tar.sig"];
    drive.command("verify", &["-"]).args(named).stdin(drive.read("images.tar")).run().succeeds();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &drive.read("images.tar")).expect("written");
    drive.write("images.tar.gz", packed.finish().expect("written"));
    drive.command("list", &["images.tar.gz"]).args(KEY).run().exits(3);
    drive.command("list", &["images.tar.gz"]).args(named).run().succeeds();
    // Unpacked, it is a bundle in a directory, and the signature stands beside that.
    tar::Archive::new(&drive.read("images.tar")[..]).unpack(drive.path("images")).expect("unpacked");
    drive.write("images.sig", drive.read("images.tar.sig"));
    drive.command("verify", &["images/"]).args(KEY).run().succeeds();
}

#[test]
fn one_signature_is_for_all_volumes_wherever_it_stands() {
    let drive = Drive::new();
    drive.run("pack", &["images.tar", "--volume-size", "100KiB", "-o", "v.tar"]).succeeds();
    drive.remove("images.tar.sig");
    let volumes = ["v-1of2.tar", "v-2of2.tar"];
    drive.run("sign", &["v-2of2.tar", "--key", "ed25519.pem"]).succeeds();
    drive.command("verify", &volumes).args(KEY).run().succeeds();
    // Alone, the first has none; under the name of all of them it has.
    drive.command("list", &volumes[..1]).args(KEY).run().exits(3);
    drive.rename("v-2of2.tar.sig", "v.tar.sig");
    drive.command("list", &volumes[..1]).args(KEY).run().succeeds();
    let registry = Registry::start();
    drive.import(&registry, &volumes).args(KEY).run().succeeds();
}

#[test]
fn an_export_signs_and_each_volume_has_the_signature_beside_it() {
    let (scene, keys) = (Scene::new(), Drive::of_keys());
    let images = put_twelve(&scene);
    let images: Vec<&str> = images.iter().map(String::as_str).collect();
    let signing = || scene.export(&images).args(["--sign-key"]).args([keys.path("ed25519.pem")]);
    let said = signing().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(said["signature"], format!("{}.sig", scene.bundle().display()), "{said}");
    let key = keys.path("ed25519.pub");
    scene.verify().args(["--require-key"]).args([&key]).run().succeeds();
    // What is there is not replaced, and that is found before anything is fetched.
    fs::remove_file(scene.bundle()).expect("a bundle");
    let before = scene.source.requests().len();
    let refused = signing().run().exits(2);
    assert!(refused.stderr.contains("images.tar.sig: the file exists"), "{}", refused.all());
    assert_eq!(scene.source.requests().len(), before);
    signing().args(["--force"]).run().succeeds();
    let volumes = scene.export_to(&scene.path("v.tar"), &images).args(["--volume-size", "100KiB", "--sign-key"]);
    volumes.args([keys.path("ed25519.pem")]).run().succeeds();
    let files = scene.files();
    for name in files.iter().filter(|name| name.starts_with("v-") && name.ends_with(".tar")) {
        command("list").args([scene.path(name)]).args(["--require-key"]).args([&key]).run().succeeds();
    }
    assert!(files.iter().filter(|name| name.starts_with("v-") && name.ends_with(".tar.sig")).count() > 1, "{files:?}");
    // A key that cannot be used stops it before the first request.
    keys.mode("ed25519.pem", 0o644);
    let before = scene.source.requests().len();
    signing().args(["--force"]).run().exits(4);
    assert_eq!(scene.source.requests().len(), before);
}

#[test]
fn the_signature_of_a_whole_bundle_is_that_of_its_delta() {
    let (scene, keys) = (Scene::new(), Drive::of_keys());
    let images = put_twelve(&scene);
    let (base, small, whole) = (scene.path("base.tar"), scene.path("delta.tar"), scene.path("whole.tar"));
    delta(&scene, &base, &[], &images).args(["--sign-key"]).args([keys.path("p256.pem")]).run().succeeds();
    put_one(&scene, 3, 77);
    delta(&scene, &small, std::slice::from_ref(&base), &images).run().succeeds();
    delta(&scene, &whole, &[], &images).args(["--sign-key"]).args([keys.path("p256.pem")]).run().succeeds();
    fs::copy(scene.path("whole.tar.sig"), scene.path("delta.tar.sig")).expect("a copy");
    let import = || {
        let run = command("import").args([&base, &small]).args(["--plain-http", "--registry", &scene.target.host()]);
        run.args(["--require-key"]).args([keys.path("p256.pub")])
    };
    import().run().succeeds();
    // A base is signed by itself.
    fs::remove_file(scene.path("base.tar.sig")).expect("a signature");
    let requests = scene.target.requests().len();
    let said = import().run().exits(3);
    assert!(said.stderr.contains("base.tar: not signed"), "{}", said.all());
    assert_eq!(scene.target.requests().len(), requests);
}

#[test]
fn a_new_pair_signs_and_its_private_half_is_for_its_owner_alone() {
    let drive = Drive::new();
    drive.run("keygen", &["plain"]).exits(2);
    let made = drive.command("keygen", &["mine", "--format", "json"]).env("BUNDLE_KEY_PASSWORD", PASSWORD);
    let made = made.run().succeeds();
    assert!(!made.all().contains(PASSWORD), "{}", made.all());
    assert_eq!(made.json()["encrypted"], true);
    let mode = |name: &str| fs::metadata(drive.path(name)).expect("a file").permissions().mode() & 0o777;
    assert_eq!((mode("mine.pem"), mode("mine.pub") & 0o044), (0o600, 0o044));
    let pem = String::from_utf8(drive.read("mine.pem")).expect("a PEM");
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{pem}");
    // Nobody's key is ever replaced, and no half of a pair is made.
    drive.remove("mine.pem");
    let said = drive.run("keygen", &["mine", "--no-password"]).exits(2);
    assert!(said.stderr.contains("mine.pub: the file exists") && !drive.path("mine.pem").exists(), "{}", said.all());
    drive.write("mine.pem", pem);
    drive.mode("mine.pem", 0o600);
    let sign = drive.command("sign", &["images.tar", "--key", "mine.pem", "--force"]);
    let signed = sign.env("BUNDLE_KEY_PASSWORD", PASSWORD).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(signed["fingerprint"], made.json()["fingerprint"]);
    drive.run("verify", &["images.tar", "--require-key", "mine.pub"]).succeeds();
}

#[test]
fn at_a_terminal_the_password_is_asked_for_twice_and_not_shown() {
    let drive = Drive::new();
    let name = drive.path("typed").display().to_string();
    for (again, succeeds) in [("other-word\n", false), ("typed-word\n", true)] {
        let mut terminal = Terminal::run(env!("CARGO_BIN_EXE_bundle"), &["keygen", &name]);
        terminal.shows("Password of the new key: ");
        assert!(!terminal.echoes());
        terminal.types("typed-word\n");
        terminal.shows("The same again: ");
        terminal.types(again);
        let (status, text, _) = terminal.ends();
        assert_eq!((status.success(), text.contains("-word")), (succeeds, false), "{text}");
        assert_eq!(drive.path("typed.pem").exists(), succeeds);
    }
    let bundle = drive.path("images.tar").display().to_string();
    let args = ["sign", &bundle, "--force", "--key", &format!("{name}.pem")];
    let mut terminal = Terminal::run(env!("CARGO_BIN_EXE_bundle"), &args);
    terminal.shows("typed.pem: ");
    terminal.types("typed-word\n");
    let (status, text, _) = terminal.ends();
    assert!(status.success() && !text.contains("typed-word"), "{text}");
    drive.run("list", &["images.tar", "--require-key", "typed.pub"]).succeeds();
}

#[test]
fn what_is_good_of_a_damaged_file_completes_one_that_is_signed() {
    let drive = Drive::new();
    // Of this one, everything after its head is gone; the other one has all of it, and no index any more.
    let head = drive.read("images.tar");
    let mut without_index = head.clone();
    without_index[..4096].fill(0);
    drive.write("good.tar", without_index);
    drive.write("images.tar", &head[..head.len() - 30_000]);
    let registry = Registry::start();
    let said = drive.import(&registry, &["images.tar", "good.tar"]).args(KEY).run().succeeds();
    assert!(said.stderr.contains("signed     images.tar"), "{}", said.all());
}
