//! `list` says what is in a bundle, without reading its layers.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::scene::{Scene, borrowed, keys, names, put_image, put_made_layer, put_small_image};

fn seeded_bundle() -> Scene {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene
}

fn image<'a>(listed: &'a Value, name: &str) -> &'a Value {
    listed["images"].as_array().expect("images").iter().find(|image| image["name"] == name).expect("the image")
}

#[test]
fn text_names_every_image_with_digest_and_platforms() {
    let scene = seeded_bundle();
    let text = scene.list().run().succeeds().stdout;
    for name in ["google-containers/pause:latest", "org/app:1.4", "org/web:2", "org/chart:0.1", "library/legacy:1"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{} ", scene.name(name)))), "{name}: {text}");
    }
    let pause = scene.source.digest("google-containers/pause", "latest").expect("its digest");
    assert!(text.contains(&pause[..19]), "{text}");
    assert!(text.contains("linux/amd64, linux/arm64, linux/arm/v7, linux/s390x"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("6 images")), "{text}");

    let digests = scene.list().args(["--digests"]).run().succeeds().stdout;
    for digest in scene.source.manifests_of("google-containers/pause", "latest") {
        assert!(digests.contains(&digest), "{digest}: {digests}");
    }
}

#[test]
fn json_has_the_documented_keys_and_says_what_is_shared() {
    let scene = seeded_bundle();
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(keys(&listed), ["bundle", "bytes", "content", "digest", "images", "leftOut"]);
    assert_eq!(listed["bundle"], scene.bundle().to_str().expect("a path"));
    let app = image(&listed, &scene.name("org/app:1.4"));
    let wanted =
        ["bytes", "digest", "mediaType", "missing", "name", "ownBytes", "platforms", "referrers", "sharedBytes"];
    assert_eq!(keys(app), wanted);
    assert_eq!(app["digest"], scene.source.digest("org/app", "1.4").expect("its digest"));
    let platforms = app["platforms"].as_array().expect("platforms");
    for platform in platforms {
        assert_eq!(keys(platform), ["bytes", "digest", "platform"]);
    }
    assert_eq!(platforms.len(), 5, "the attestation is none: {platforms:?}");
    assert!(app["sharedBytes"].as_u64() > Some(0) && app["sharedBytes"].as_u64() < app["bytes"].as_u64(), "{app}");
    assert_eq!(app["referrers"], json!([]));

    let pause = image(&listed, &scene.name("google-containers/pause:latest"));
    assert_eq!(pause["sharedBytes"], 0);
    let tool = image(&listed, &scene.name("org/tool:2.0"));
    assert_eq!(tool["platforms"][0]["platform"], "linux/amd64", "from its config");
}

#[test]
fn a_bundle_with_a_damaged_layer_is_listed_all_the_same() {
    let scene = Scene::new();
    let layer = put_made_layer(&scene.source, "org/app", 1, 3_000_000);
    put_image(&scene.source, "org/app", "1", &[layer]);
    scene.export(&["org/app:1"]).run().succeeds();
    let mut bytes = std::fs::read(scene.bundle()).expect("the bundle");
    let middle = bytes.len() - 1_000_000;
    bytes[middle] ^= 1;
    std::fs::write(scene.bundle(), bytes).expect("the bundle");
    scene.list().run().succeeds();
    scene.verify().run().exits(3);
}

#[test]
fn what_a_damaged_configuration_says_is_not_shown() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    assert!(scene.list().run().succeeds().stdout.contains("linux/amd64"));
    let mut bytes = std::fs::read(scene.bundle()).expect("the bundle");
    let at = bytes.windows(5).position(|w| w == b"amd64").expect("the configuration");
    bytes[at..at + 5].copy_from_slice(b"arm64");
    std::fs::write(scene.bundle(), bytes).expect("written");
    let listed = scene.list().run().succeeds();
    assert!(!listed.all().contains("arm64"), "{}", listed.all());
    assert_eq!(scene.list().args(["--format", "json"]).run().json()["images"][0]["platforms"][0].get("platform"), None);
}

#[test]
fn standard_output_that_is_full_is_a_failure() {
    let (scene, images) = Scene::seeded();
    let names = names(&images);
    let digest = scene.export(&borrowed(&names)).args(["--format", "json"]).run().succeeds().json()["digest"].clone();
    let host = scene.target.host();
    let bundle = scene.bundle().to_str().expect("a path").to_owned();
    let image = scene.name(&names[0]);
    let second = scene.path("second.tar").to_str().expect("a path").to_owned();
    let commands: [Vec<&str>; 4] = [
        vec!["list", &bundle],
        vec!["verify", &bundle],
        vec!["export", &image, "-o", &second, "--force", "--plain-http"],
        vec!["import", &bundle, "--registry", &host, "--plain-http"],
    ];
    for format in ["text", "json"] {
        for command in &commands {
            let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
            let mut program = Command::new(env!("CARGO_BIN_EXE_bundle"));
            program.env_clear().args(command).args(["--format", format]).stdout(full);
            let out = program.output().expect("the program");
            let said = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(1), "{command:?}: {said}");
            assert!(said.contains("standard output") && said.contains("No space left"), "{command:?}: {said}");
        }
    }
    // The work itself was done.
    assert!(scene.target.digest("library/org/app", "1.4").is_some() && std::path::Path::new(&second).exists());
    assert!(digest.is_string());
}

#[test]
fn a_reader_that_goes_away_is_content() {
    let scene = Scene::new();
    let names: Vec<String> = (0..40).map(|n| format!("org/app{n}:1")).collect();
    for name in &names {
        put_small_image(&scene.source, name.trim_end_matches(":1"), "1");
    }
    scene.export(&borrowed(&names)).run().succeeds();
    for format in ["text", "json"] {
        // Its reading end is closed before the program starts: every write is refused.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut child = Command::new(env!("CARGO_BIN_EXE_bundle"))
            .env_clear()
            .args(["list", "--format", format])
            .arg(scene.bundle())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().expect("a pipe"), &mut said).expect("its words");
        let status = child.wait().expect("its end");
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn what_is_no_bundle_is_refused_with_a_reason() {
    let scene = Scene::new();
    let cases: [(&[u8], &str); 4] =
        [(b"", "empty"), (b"\x1f\x8b\x08\x00\x00\x00", "gzip"), (b"{\"images\":[]}", "json"), (&[7; 2048], "tar")];
    for (bytes, reason) in cases {
        std::fs::write(scene.bundle(), bytes).expect("a file");
        for run in [scene.list(), scene.verify(), scene.import()] {
            let out = run.run().exits(3);
            assert!(out.stderr.contains(reason) && out.stderr.contains("images.tar"), "{}", out.stderr);
        }
    }
    std::fs::remove_file(scene.bundle()).expect("no file");
    let out = scene.list().run().exits(2);
    assert!(out.stderr.contains("images.tar") && out.stderr.contains("no such file"), "{}", out.stderr);
    assert_eq!(scene.target.requests().len(), 0, "the bundle is looked at first");
}
