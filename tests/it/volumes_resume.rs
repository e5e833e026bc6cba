//! A layer that is cut over volumes goes on where it stood: after a wait between two of them, and in another process.

use std::path::PathBuf;

use serde_json::Value;

use crate::scene::{Scene, blobs_of};
use crate::support::run::Run;
use crate::volumes_scene::{SIZE, about, export, exported, with};

/// The layer that is cut, and what the table says about it.
fn cut_layer(scene: &Scene, volume: &PathBuf) -> (String, Value) {
    let table = about(volume)["table"].clone();
    let digests = blobs_of(&scene.source, "org/large", "1");
    let digest = digests.into_iter().find(|digest| table[digest].is_object()).expect("a cut layer");
    let stands = table[&digest].clone();
    (digest, stands)
}

/// The byte that each request for this blob began at.
fn asked_from(scene: &Scene, digest: &str) -> Vec<u64> {
    let requests = scene.source.requests();
    let from = |range: Option<&str>| {
        let range = range.and_then(|range| range.strip_prefix("bytes="));
        range.and_then(|range| range.split('-').next()).map_or(0, |first| first.parse().expect("a number"))
    };
    let asked = requests.iter().filter(|r| r.method == "GET" && r.path.ends_with(digest));
    asked.map(|request| from(request.header("Range"))).collect()
}

fn bytes(paths: &[PathBuf]) -> Vec<Vec<u8>> {
    paths.iter().map(|path| std::fs::read(path).expect("a volume")).collect()
}

fn with_script(scene: &Scene, script: &str) -> Run {
    export(scene, &SIZE.to_string()).args(["--volume-script", script])
}

fn wiped() -> (Scene, Vec<PathBuf>, Vec<Vec<u8>>, String, Value) {
    let (scene, volumes) = exported();
    let expected = bytes(&volumes);
    let (digest, stands) = cut_layer(&scene, &volumes[0]);
    volumes.iter().for_each(|path| std::fs::remove_file(path).expect("a file"));
    scene.source.clear_requests();
    (scene, volumes, expected, digest, stands)
}

#[test]
fn after_a_script_between_two_volumes_only_the_rest_of_the_layer_is_asked_for() {
    let (scene, volumes, expected, digest, stands) = wiped();
    with_script(&scene, "true").run().succeeds();
    assert!(bytes(&volumes) == expected);
    let part = stands["bytes"].as_u64().expect("a length");
    let parts = stands["volumes"].as_array().expect("numbers").len() as u64;
    assert!(parts > 2);
    assert_eq!(asked_from(&scene, &digest), (0..parts).map(|number| number * part).collect::<Vec<_>>());
}

#[test]
fn another_process_goes_on_after_the_parts_that_are_in_finished_volumes() {
    let (scene, volumes, expected, digest, stands) = wiped();
    let part = stands["bytes"].as_u64().expect("a length");
    let second = stands["volumes"][1].as_u64().expect("a number");
    let script = format!("test $BUNDLE_VOLUME_NUMBER != {second}");
    with_script(&scene, &script).run().exits(1);
    scene.source.clear_requests();
    export(&scene, &SIZE.to_string()).run().succeeds();
    assert!(bytes(&volumes) == expected);
    assert_eq!(asked_from(&scene, &digest), [2 * part]);
    with("verify", &volumes).run().succeeds();
}

#[test]
fn parts_that_were_moved_away_are_read_again_where_they_came_from() {
    let (scene, volumes, expected, digest, stands) = wiped();
    let second = stands["volumes"][1].as_u64().expect("a number");
    let away = tempfile::tempdir().expect("a directory");
    let script = format!("mv \"$BUNDLE_VOLUME\" {}; test $BUNDLE_VOLUME_NUMBER != {second}", away.path().display());
    with_script(&scene, &script).run().exits(1);
    scene.source.clear_requests();
    export(&scene, &SIZE.to_string()).run().succeeds();
    assert_eq!(asked_from(&scene, &digest), [0]);
    for (path, expected) in volumes.iter().zip(expected) {
        let moved = away.path().join(path.file_name().expect("a name"));
        let there = if moved.exists() { &moved } else { path };
        assert!(std::fs::read(there).expect("a volume") == expected);
    }
}

#[test]
fn earlier_parts_of_something_else_are_found_out_at_the_end_and_written_again() {
    let (scene, volumes, expected, _, stands) = wiped();
    let second = stands["volumes"][1].as_u64().expect("a number");
    let script = format!("test $BUNDLE_VOLUME_NUMBER != {second}");
    with_script(&scene, &script).run().exits(1);
    // One byte of the first part is another, and its checksum fits.
    let first = &volumes[usize::try_from(stands["volumes"][0].as_u64().expect("a number")).expect("small") - 1];
    let mut forged = std::fs::read(first).expect("a volume");
    let at = forged.windows(13).position(|w| w == b"parts/sha256/").expect("a part") + 512;
    let len = usize::try_from(stands["bytes"].as_u64().expect("a length")).expect("small");
    forged[at + 7] ^= 1;
    let sum = crate::support::registry::digest_like("sha256:", &forged[at..at + len]);
    let line = at
        + len.next_multiple_of(512)
        + forged[at + len.next_multiple_of(512)..].windows(4).position(|w| w == b"  00").expect("a line")
        - 64;
    forged[line..line + 64].copy_from_slice(sum.strip_prefix("sha256:").expect("a digest").as_bytes());
    std::fs::write(first, forged).expect("a file");
    with("verify", std::slice::from_ref(first)).run().succeeds();
    let output = export(&scene, &SIZE.to_string()).run().exits(3);
    assert!(output.stderr.contains("which the next export writes again"), "{}", output.stderr);
    export(&scene, &SIZE.to_string()).run().succeeds();
    assert!(bytes(&volumes) == expected);
}
