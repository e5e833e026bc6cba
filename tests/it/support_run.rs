//! Running a program for a test: its environment is clean and its time is bounded.

use std::time::Duration;

use crate::support::run::Run;

#[test]
fn nothing_of_the_developers_environment_is_seen() {
    let output = Run::new("env").env("MINE", "1").run().succeeds();
    let names: Vec<&str> = output.stdout.lines().filter_map(|line| line.split('=').next()).collect();
    assert!(names.contains(&"MINE") && names.contains(&"HOME"), "{names:?}");
    for line in output.stdout.lines().filter(|line| line.starts_with("HOME=") || line.starts_with("DOCKER_CONFIG=")) {
        assert!(!line.ends_with(&std::env::var("HOME").unwrap_or_default()), "{line}");
    }
    assert!(
        !names.iter().any(|name| name.to_lowercase().ends_with("_proxy") || name.starts_with("CARGO")),
        "{names:?}"
    );
}

#[test]
fn what_is_said_and_how_it_ends_is_told() {
    let output = Run::new("sh").args(["-c", "cat; echo bad >&2; exit 3"]).stdin("data").run().exits(3);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("data", "bad\n"));
    let running = Run::new("sh").args(["-c", "echo ready; exec sleep 60"]).spawn();
    running.wait_for_stdout("ready");
    running.kill();
    let output = running.wait();
    assert_eq!((output.code, output.signal), (None, Some(9)));
}

#[test]
#[should_panic(expected = "ran for more than")]
fn a_program_that_does_not_end_fails_the_test() {
    Run::new("sleep").args(["60"]).limit(Duration::from_millis(50)).run();
}

#[test]
fn the_program_starts() {
    crate::bundle().args(["--version"]).run().succeeds();
}
