//! Text that somebody else wrote is shown so that it cannot mislead: nothing in it moves a cursor, turns the direction
//! of writing, hides, or goes on without end. In JSON it has the same value.

use serde_json::Value;

use crate::bundle;
use crate::reader_parts::{Contents, Given};
use crate::scene::{Scene, put_small_image};
use crate::support::registry::{Fault, Match};
use crate::support::run::Output;

/// C0, C1, the direction of writing, nothing to be seen, variation, tags, blanks that are none.
const ODD: &str =
    "\u{1b}[2J\u{9b}\u{85}\u{202e}\u{2066}\u{200b}\u{200d}\u{2060}\u{feff}\u{fe0f}\u{3164}\u{e0041}\u{a0}";

/// Nothing that misleads is in either stream, and what is odd about the text is to be seen.
#[track_caller]
fn is_harmless(said: &Output) {
    let odd = |c: char| c != '\n' && ODD.contains(c) && !c.is_ascii_graphic();
    for stream in [&said.stdout, &said.stderr] {
        assert!(!stream.chars().any(odd), "{stream:?}");
    }
    let shown = ["\\u{202e}", "\\u202e"].iter().any(|shown| said.all().contains(shown));
    assert!(shown, "{}", said.all());
}

/// An image of another tool with this text as its tag.
fn tagged(tag: &str) -> Given {
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer"]);
    contents.line(&image, &format!("\"org.opencontainers.image.ref.name\":{}", Value::from(tag)));
    Given::new(contents.packed())
}

#[test]
fn a_tag_in_a_bundle_is_shown_harmless_as_text_and_as_json() {
    let given = tagged(&format!("v1{ODD}"));
    let list = || bundle().args(["list".as_ref(), given.path.as_os_str()]);
    is_harmless(&list().run().succeeds());
    let said = list().args(["--format", "json"]).run().succeeds();
    is_harmless(&said);
    assert_eq!(said.json()["images"][0]["tag"], format!("v1{ODD}"), "the value is the same");
    let import = bundle().args(["import".as_ref(), given.path.as_os_str()]).args(["--registry", "localhost:1"]);
    is_harmless(&import.run().exits(2));
}

#[test]
fn a_tag_of_thirty_megabytes_is_cut_and_its_length_said() {
    let given = tagged(&"y".repeat(30 << 20));
    for format in ["text", "json"] {
        let said = bundle().args(["list".as_ref(), given.path.as_os_str()]).args(["--format", format]).run().succeeds();
        assert!(said.stdout.len() < 64 << 10, "{format}: {} bytes", said.stdout.len());
        assert!(said.stdout.contains("… (cut: 31457"), "{format}");
    }
    let import = bundle().args(["import".as_ref(), given.path.as_os_str()]).args(["--registry", "localhost:1"]);
    let said = import.run().exits(2);
    assert!(said.all().len() < 64 << 10, "{} bytes", said.all().len());
}

#[test]
fn what_a_registry_says_is_shown_harmless() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene.target.fault(Match::on("POST", "/uploads/"), Fault::error(403, "DENIED", &format!("no{ODD}")));
    is_harmless(&scene.import().args(["-vv"]).run().exits(4));
    is_harmless(&scene.import().args(["--format", "json"]).run().exits(4));
}

#[test]
fn what_is_typed_wrong_is_repeated_harmless() {
    let odd = format!("x{ODD}\nbundle: all is well");
    for args in [
        vec!["list", "a.tar", "--expect", &odd],
        vec!["list", "a.tar", "--format", &odd],
        vec!["list", "a.tar", &format!("--{odd}")],
        vec![&odd],
        vec!["import", "a.tar", "--map", &odd],
        vec!["import", "a.tar", "--allow-source", &odd],
        vec!["export", &odd, "-o", "a.tar"],
        vec!["login", &odd],
        vec!["list", "a.tar", "--max-spool", &odd],
    ] {
        let said = bundle().args(&args).run().exits(2);
        is_harmless(&said);
        assert!(!said.stderr.lines().any(|line| line == "bundle: all is well"), "{}", said.stderr);
    }
    for name in ["BUNDLE_FORMAT", "BUNDLE_EXPECT", "BUNDLE_MAX_SPOOL"] {
        let said = bundle().args(["list", "a.tar"]).env(name, &odd).run().exits(2);
        is_harmless(&said);
        assert!(!said.stderr.lines().any(|line| line == "bundle: all is well"), "{}", said.stderr);
    }
    let said = bundle().args(["list", "a.tar", "--format", &"x".repeat(100_000)]).run().exits(2);
    assert!(said.stderr.len() < 64 << 10, "{}", said.stderr.len());
}
