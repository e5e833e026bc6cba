//! The process itself in need: few files, little memory, nobody who reads its output, a second
//! Ctrl-C.

use crate::fault_scene::{AT, IMAGE, arrived, bundle_of, nothing_false, put_app};
use crate::scene::Scene;
use crate::support::registry::{Fault, Match, Registry};
use crate::support::run::{Output, Run};

/// `bundle` below a shell that does this first.
fn below(shell: &str, args: &[String]) -> Run {
    let script = format!("bundle=$1; shift; {shell}");
    let run = Run::new("sh").args(["-c", &script, "sh", env!("CARGO_BIN_EXE_bundle")]).args(args);
    // The limit counts room that is only reserved, and glibc reserves 64 MiB for each arena: how many threads get one
    // of their own is a matter of chance.
    run.env("BUNDLE_RETRY_DELAY", "1").env("MALLOC_ARENA_MAX", "1")
}

fn export_args(scene: &Scene) -> Vec<String> {
    let bundle = scene.bundle().display().to_string();
    ["export", "--plain-http", "--force", "-o", &bundle, &scene.name(IMAGE)].map(str::to_owned).to_vec()
}

fn import_args(scene: &Scene) -> Vec<String> {
    let bundle = scene.bundle().display().to_string();
    ["import", &bundle, "--plain-http", "--registry", &scene.target.host()].map(str::to_owned).to_vec()
}

/// It did its work, or said why not.
fn works_or_says_why(out: Output) -> Output {
    assert!(matches!(out.code, Some(0 | 1)), "{out:?}");
    assert!(!out.all().contains("panicked") && !out.all().contains("abort"), "{}", out.all());
    assert!(out.code == Some(0) || out.stderr.contains("bundle: "), "{}", out.stderr);
    out
}

/// It needs more open files, and says with what to get them.
fn says_how_to_open_more(out: &Output) -> bool {
    out.stderr.contains("Too many open files")
        && out.stderr.contains("hint: allow more open files with `ulimit -n 4096`")
}

#[test]
fn with_few_open_files_or_little_memory_it_works_or_says_why() {
    let sizes: Vec<u64> = (0..40).map(|n| 20_000 + n).collect();
    for (limit, jobs) in [("-n 64", "64"), ("-n 24", "64"), ("-n 16", "64"), ("-v 163840", "16")] {
        let scene = Scene::new();
        put_app(&scene.source, &sizes);
        let shell = format!("ulimit {limit}; exec \"$bundle\" \"$@\" -j {jobs}");
        let out = works_or_says_why(below(&shell, &export_args(&scene)).run());
        assert_eq!(scene.bundle().exists(), out.code == Some(0));
        scene.export(&[IMAGE]).args(["--force"]).run().succeeds();
        let is_about_files =
            |out: &Output| out.code == Some(0) || !limit.starts_with("-n") || says_how_to_open_more(out);
        assert!(is_about_files(&out), "{}", out.stderr);
        let out = works_or_says_why(below(&shell, &import_args(&scene)).run());
        assert!(is_about_files(&out), "{}", out.stderr);
        nothing_false(&scene.target);
        assert!(out.code != Some(0) || scene.target.digest(AT, "1").is_some());
        scene.import().run().succeeds();
        arrived(&scene);
    }
}

#[test]
fn a_reader_that_went_away_is_no_failure_and_the_work_is_done() {
    let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
    let list = ["list".to_owned(), scene.bundle().display().to_string()].to_vec();
    for args in [export_args(&scene), import_args(&scene), list] {
        let gone = scene.path("gone");
        let shell = format!(
            "{{ while [ ! -e {0} ]; do :; done; \"$bundle\" \"$@\"; echo \"ended with $?\" >&2; }} | {{ exec <&-; : > {0}; }}",
            gone.display()
        );
        let out = below(&shell, &args).run();
        assert!(out.stderr.contains("ended with 0"), "{args:?}: {}", out.stderr);
        assert!(!out.stderr.contains("panicked") && !out.stderr.contains("roken pipe"), "{}", out.stderr);
        std::fs::remove_file(gone).expect("the sign");
    }
    arrived(&scene);
}

#[test]
fn closed_streams_are_no_failure() {
    let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
    for closed in ["2>&-", ">&- 2>&-"] {
        let out = below(&format!("exec \"$bundle\" \"$@\" {closed}"), &import_args(&scene)).run();
        assert!(matches!(out.code, Some(0 | 1)), "{closed}: {out:?}");
    }
    arrived(&scene);
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let (scene, _) = bundle_of(Registry::builder(), &[4_000_000]);
    scene.target.fault(Match::on("PUT", "/blobs/uploads/"), Fault::StallUploadAfter(100_000));
    scene.target.fault(Match::on("DELETE", ""), Fault::NeverAnswer);
    let running = scene.import().spawn();
    scene.target.wait_until(|requests| requests.iter().any(|r| r.body_bytes == 100_000));
    running.interrupt();
    running.interrupt();
    running.wait().exits(130);
    scene.target.clear_faults();
    assert!(scene.target.tags(AT).is_empty());
    nothing_false(&scene.target);
    scene.import().run().succeeds();
    arrived(&scene);
}

#[test]
fn a_clock_that_is_ten_years_off_is_named_as_a_reason() {
    use crate::support::certs::{Authority, LOOPBACK};
    let authority = Authority::new();
    let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
    let ca = scene.path("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("a file");
    let target = Registry::builder().tls(&authority.expired_server(&LOOPBACK)).start();
    let import = crate::scene::command("import").args([scene.bundle()]);
    let out = import.args(["--registry", &target.host(), "--ca-file"]).args([&ca]).run().exits(4);
    assert!(out.stderr.contains("check this machine's clock"), "{}", out.stderr);
}
