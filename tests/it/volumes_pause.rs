//! `--pause` at a terminal: after each volume it waits for somebody, and goes on with the next one only then.

use std::path::Path;

use crate::scene::Scene;
use crate::support::registry::Builder;
use crate::support::terminal::Terminal;
use crate::volumes_scene::{IMAGES, SIZE, scene, volumes, with};

fn at_a_terminal(scene: &Scene) -> Terminal {
    let mut args: Vec<String> = ["export", "--plain-http", "--pause", "--volume-size"].map(String::from).to_vec();
    args.push(SIZE.to_string());
    args.extend(IMAGES.iter().map(|image| scene.name(image)));
    args.extend(["-o".to_owned(), scene.bundle().display().to_string()]);
    Terminal::run(env!("CARGO_BIN_EXE_bundle"), &args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Waits for the question after this volume; nothing of the next one is there.
fn is_asked(terminal: &Terminal, scene: &Scene, number: usize, count: usize) {
    terminal.shows(&format!("is finished ({number} of {count}). Change the drive, then press Enter: "));
    let there: Vec<String> = scene.files().into_iter().filter(|name| !name.ends_with(".volumes")).collect();
    assert_eq!(there, [format!("images-{number}of{count}.tar")], "nothing else is begun");
}

fn take_away(scene: &Scene, to: &Path) {
    for path in volumes(scene) {
        let bytes = std::fs::read(&path).expect("a volume");
        std::fs::write(to.join(path.file_name().expect("a name")), bytes).expect("a copy");
        std::fs::remove_file(path).expect("a volume");
    }
}

/// How many volumes there would be.
fn count_of(scene: &Scene) -> usize {
    let report = crate::volumes_scene::export(scene, &SIZE.to_string()).args(["--dry-run", "--format", "json"]).run();
    report.succeeds().json()["volumes"].as_array().expect("volumes").len()
}

#[test]
fn the_drive_is_changed_after_each_volume_but_the_last() {
    let scene = scene(Builder::default(), Builder::default());
    let (count, away) = (count_of(&scene), tempfile::tempdir().expect("a directory"));
    let mut terminal = at_a_terminal(&scene);
    for number in 1..count {
        is_asked(&terminal, &scene, number, count);
        take_away(&scene, away.path());
        terminal.types("\n");
    }
    let (status, text, _) = terminal.ends();
    assert!(status.success(), "{text}");
    assert!(!text.contains(&format!("is finished ({count} of {count})")), "nothing has to go anywhere then: {text}");
    take_away(&scene, away.path());
    let all: Vec<_> =
        std::fs::read_dir(away.path()).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(all.len(), count);
    with("verify", &all).run().succeeds();
}

#[test]
fn whoever_stops_at_the_question_goes_on_later_with_the_next_volume() {
    let scene = scene(Builder::default(), Builder::default());
    let (count, away) = (count_of(&scene), tempfile::tempdir().expect("a directory"));
    // Ctrl-C, and then the end of what is typed, which is no Enter.
    let terminal = at_a_terminal(&scene);
    is_asked(&terminal, &scene, 1, count);
    take_away(&scene, away.path());
    terminal.interrupt();
    let (status, text, _) = terminal.ends();
    assert_eq!(status.code(), Some(130), "{text}");
    let mut terminal = at_a_terminal(&scene);
    is_asked(&terminal, &scene, 2, count);
    terminal.types("\x04");
    terminal.shows("Enter was not pressed");
    let (status, text, _) = terminal.ends();
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("Enter was not pressed"), "{text}");
    take_away(&scene, away.path());
    let mut terminal = at_a_terminal(&scene);
    for number in 3..count {
        is_asked(&terminal, &scene, number, count);
        take_away(&scene, away.path());
        terminal.types("\n");
    }
    terminal.shows("next ");
    let (status, text, _) = terminal.ends();
    assert!(status.success() && text.contains("taken as moved away"), "{text}");
}
