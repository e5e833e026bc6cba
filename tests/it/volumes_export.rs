//! Volumes are written one after the other: each is finished before the next begins and may be taken away, and
//! whatever interrupts that, the next run ends with the same volumes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::scene::Scene;
use crate::support::registry::{Builder, Cut, Fault, Match};
use crate::volumes_scene::{IMAGES, SIZE, about, export, exported, import, scene, volumes, with};

/// Spread over all of an export; `BUNDLE_TEST_KILLS=100` makes them a hundred.
fn kills() -> usize {
    std::env::var("BUNDLE_TEST_KILLS").ok().map_or(30, |text| text.parse().expect("a number"))
}

fn contents(paths: &[PathBuf]) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).expect("a volume"))).collect()
}

/// Removes all that is on the drive.
fn wipe(scene: &Scene) {
    for name in scene.files() {
        fs::remove_file(scene.path(&name)).expect("a file");
    }
}

/// An export of all of it, into volumes of the usual size.
fn again(scene: &Scene) -> crate::support::run::Run {
    export(scene, &SIZE.to_string())
}

fn is_fetch(request: &crate::support::registry::Request) -> bool {
    request.method == "GET" && request.path.contains("/blobs/")
}

#[test]
fn an_export_into_volumes_killed_at_any_moment_ends_with_the_same_volumes() {
    let (scene, expected) = exported();
    let expected = contents(&expected);
    let fetches = scene.source.count(is_fetch);
    let kills = kills();
    for kill in 0..kills {
        wipe(&scene);
        let nth = 1 + kill * fetches / kills;
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        scene.source.clear_requests();
        scene.source.intercept(move |request| {
            let number = if is_fetch(request) { count.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
            (number == nth).then(|| Fault::StallAfter([0, 1, 300, 30_000][nth % 4]))
        });
        let running = again(&scene).args(["--jobs", "2"]).spawn();
        scene.source.wait_until(|_| seen.load(Ordering::SeqCst) >= nth);
        // And a little later, each time another bit: between volumes too.
        std::thread::sleep(std::time::Duration::from_micros(500 * (kill as u64 % 7)));
        running.kill();
        running.wait();
        scene.source.clear_faults();
        // What is there under a name is whole.
        let done = volumes(&scene);
        for path in &done {
            assert!(
                fs::read(path).expect("a volume") == expected[&*path.file_name().expect("a name").to_string_lossy()]
            );
        }
        again(&scene).run().succeeds();
        assert!(contents(&volumes(&scene)) == expected, "killed at fetch {nth}");
        assert_eq!(scene.files().len(), expected.len(), "{:?}", scene.files());
    }
}

#[test]
fn finished_volumes_are_kept_and_not_fetched_again() {
    let (scene, expected) = exported();
    let bytes = contents(&expected);
    fs::remove_file(&expected[2]).expect("a file");
    scene.source.clear_requests();
    let output = again(&scene).run().succeeds();
    assert!(contents(&volumes(&scene)) == bytes);
    assert_eq!(output.stdout.matches("there already").count(), expected.len() - 1, "{}", output.stdout);
    let fetched: u64 = scene.source.requests().iter().filter(|r| is_fetch(r)).map(|r| r.sent_bytes).sum();
    assert!(fetched <= 450_000, "{fetched}");
    // All of them: nothing is fetched at all.
    scene.source.clear_requests();
    again(&scene).run().succeeds();
    assert_eq!(scene.source.count(is_fetch), 0);
}

#[test]
fn a_damaged_volume_is_written_again_and_a_foreign_file_is_left_alone() {
    let (scene, expected) = exported();
    let bytes = contents(&expected);
    for path in &expected[..2] {
        let mut damaged = fs::read(path).expect("a volume");
        let at = damaged.len() - 3_000;
        damaged[at] ^= 1;
        fs::write(path, damaged).expect("a file");
    }
    again(&scene).run().succeeds();
    assert!(contents(&volumes(&scene)) == bytes);
    fs::write(&expected[1], "my own file").expect("a file");
    scene.source.clear_requests();
    let output = again(&scene).run().exits(2);
    assert!(output.stderr.contains("the file exists"), "{}", output.stderr);
    assert_eq!(scene.source.count(is_fetch), 0);
    assert_eq!(fs::read(&expected[1]).expect("a file"), b"my own file");
    again(&scene).args(["--force"]).run().succeeds();
    assert!(contents(&volumes(&scene)) == bytes);
}

#[test]
fn a_script_takes_each_volume_away_before_the_next_begins() {
    let (scene, expected) = exported();
    let bytes = contents(&expected);
    let count = expected.len();
    wipe(&scene);
    let away = tempfile::tempdir().expect("a directory");
    let script = format!(
        "test $(ls -A {drive} | grep -c '[.]tar$') = 1 && echo $BUNDLE_VOLUME_NUMBER of $BUNDLE_VOLUME_COUNT && mv \"$BUNDLE_VOLUME\" {}",
        away.path().display(),
        drive = scene.bundle().parent().expect("a directory").display(),
    );
    let output = again(&scene).args(["--volume-script", &script, "--format", "json"]).run().succeeds();
    // What the script says is no data.
    let report = output.json();
    assert_eq!(report["volumes"].as_array().expect("volumes").len(), count);
    assert!(output.stderr.contains(&format!("{count} of {count}")), "{}", output.stderr);
    let moved: Vec<PathBuf> =
        fs::read_dir(away.path()).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    assert!(contents(&moved) == bytes);
    assert_eq!(scene.files(), Vec::<String>::new(), "nothing else is left");
    with("verify", &moved).run().succeeds();
    import(&scene, &moved).run().succeeds();
}

#[test]
fn a_script_that_fails_stops_the_export_and_the_next_one_goes_on_with_what_was_moved_away() {
    let scene = scene(Builder::default(), Builder::default());
    let away = tempfile::tempdir().expect("a directory");
    let script = format!(
        "if [ $BUNDLE_VOLUME_NUMBER = 3 ] && ! [ -e {0}/ready ]; then exit 7; fi; mv \"$BUNDLE_VOLUME\" {0}",
        away.path().display()
    );
    let run = || again(&scene).args(["--volume-script", &script]);
    let output = run().run().exits(1);
    assert!(output.stderr.contains("-3of") && output.stderr.contains("exit status: 7"), "{}", output.stderr);
    assert_eq!(volumes(&scene).len(), 1, "the third is finished: {:?}", scene.files());
    fs::write(away.path().join("ready"), "").expect("a file");
    scene.source.clear_requests();
    let output = run().run().succeeds();
    assert!(output.stderr.contains("taken as moved away"), "{}", output.stderr);
    assert_eq!(scene.files(), Vec::<String>::new());
    fs::remove_file(away.path().join("ready")).expect("a file");
    let moved: Vec<PathBuf> =
        fs::read_dir(away.path()).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    let count = about(&moved[0])["volume"]["count"].as_u64().expect("a number");
    assert_eq!(moved.len() as u64, count);
    with("verify", &moved).run().succeeds();
}

#[test]
fn a_layer_that_turns_out_wrong_at_its_end_takes_its_parts_with_it() {
    let (scene, expected) = exported();
    let bytes = contents(&expected);
    let digest = crate::scene::blobs_of(&scene.source, "org/large", "1")
        .into_iter()
        .find(|digest| about(&expected[0])["table"][digest].is_object())
        .expect("a cut layer");
    wipe(&scene);
    // The last byte is another one, each time.
    scene.source.fault(Match::on("GET", &digest), Fault::FlipByte(449_999));
    let output = again(&scene).run().exits(3);
    assert!(output.stderr.contains("which the next export writes again"), "{}", output.stderr);
    scene.source.clear_faults();
    again(&scene).run().succeeds();
    assert!(contents(&volumes(&scene)) == bytes);
}

#[test]
fn a_connection_that_breaks_in_a_part_is_continued_there() {
    let (scene, expected) = exported();
    let bytes = contents(&expected);
    let digest = crate::scene::blobs_of(&scene.source, "org/large", "1")
        .into_iter()
        .find(|digest| about(&expected[0])["table"][digest].is_object())
        .expect("a cut layer");
    wipe(&scene);
    scene.source.fault(Match::on("GET", &digest).once(), Fault::CutBodyAfter(300_000, Cut::Close));
    scene.source.clear_requests();
    again(&scene).run().succeeds();
    assert!(contents(&volumes(&scene)) == bytes);
    let fetched: u64 = scene.source.requests().iter().filter(|r| r.path.ends_with(&digest)).map(|r| r.sent_bytes).sum();
    assert!(fetched < 600_000, "{fetched} bytes for 450 000");
}

#[test]
fn a_dry_run_says_what_the_volumes_would_be() {
    let scene = scene(Builder::default(), Builder::default());
    let report = again(&scene).args(["--dry-run", "--format", "json"]).run().succeeds().json();
    assert_eq!(scene.files(), Vec::<String>::new());
    again(&scene).run().succeeds();
    let planned = report["volumes"].as_array().expect("volumes");
    let written = volumes(&scene);
    assert_eq!(planned.len(), written.len());
    for (planned, path) in planned.iter().zip(&written) {
        assert_eq!(planned["bytes"].as_u64(), Some(fs::metadata(path).expect("a file").len()));
        assert_eq!(planned["bundle"].as_str().map(PathBuf::from).as_ref(), Some(path));
    }
}

#[test]
fn volumes_are_asked_for_in_words_that_are_understood() {
    let scene = scene(Builder::default(), Builder::default());
    for size in ["fat32", "cd", "dvd", "bd", "200MiB"] {
        export(&scene, size).args(["--dry-run"]).run().succeeds();
    }
    let output = export(&scene, "floppy").run().exits(2);
    assert!(output.stderr.contains("fat32, cd, dvd or bd"), "{}", output.stderr);
    scene.export(&IMAGES).args(["--volume-script", "true"]).run().exits(2);
    let output = again(&scene).args(["--pause"]).run().exits(2);
    assert!(output.stderr.contains("no terminal to ask at"), "{}", output.stderr);
    let missing = scene.path("no/such/images.tar");
    scene.source.clear_requests();
    scene.export_to(&missing, &IMAGES).args(["--volume-size", "1MiB"]).run().exits(2);
    assert_eq!(scene.source.requests().len(), 0, "before any request");
}

#[test]
fn everything_is_read_back_where_that_is_asked_for() {
    let (scene, expected) = exported();
    let bytes = contents(&expected);
    wipe(&scene);
    again(&scene).args(["--read-back"]).run().succeeds();
    assert!(contents(&volumes(&scene)) == bytes);
}

#[test]
fn where_there_is_no_room_nothing_is_left_beside() {
    let (scene, volumes) = exported();
    let whole = scene.path("whole.tar");
    with("pack", &volumes).args(["-o"]).args([&whole]).run().succeeds();
    // A file in the way is found before anything is written, as a full drive is.
    fs::write(scene.path("other-2of5.tar"), "my own file").expect("a file");
    let before = scene.files();
    let run = with("pack", &[whole]).args(["--volume-size", &SIZE.to_string()]);
    run.args(["-o"]).args([scene.path("other.tar")]).run().exits(2);
    assert_eq!(scene.files(), before);
}
