//! Messages with the commands that they came from, without what is another at every run.

use std::path::Path;

use crate::scene::Scene;
use crate::support::run::Output;

/// What is another every day, or on a slow machine: it stands between the first two of these, and the third in its place.
const MOMENTS: [(&str, &str, &str); 4] = [
    ("(today is ", ")", "2026-11-28"),
    ("come back at ", " UTC", "20:04"),
    ("or wait until ", " UTC", "20:04"),
    (" times in ", " s)", "0"),
];

/// What was said.
#[derive(Default)]
pub(super) struct Told {
    pub(super) said: Vec<(String, String)>,
    names: Vec<(String, String)>,
    /// What cannot be tried on this machine.
    pub(super) impossible: Vec<String>,
}

impl Told {
    /// From now on this text, such as a host with a port of its own, is shown as another.
    pub(super) fn know(&mut self, text: impl ToString, shown: &str) {
        self.names.insert(0, (text.to_string(), shown.to_owned()));
    }

    /// The same for what a scene is made of.
    pub(super) fn know_all(&mut self, scene: &Scene) {
        self.know(scene.source.host(), "source.example:5000");
        self.know(scene.target.host(), "target.example:5000");
        self.know_place(scene.bundle().parent().expect("a directory"));
    }

    /// The same for a directory that stays nowhere.
    pub(super) fn know_place(&mut self, directory: &Path) {
        self.know(directory.display(), "/data");
    }

    /// This scene takes rights that we do not have; whoever checks a change has them.
    pub(super) fn is_impossible(&mut self, command: &str) {
        assert!(std::env::var_os("CI").is_none(), "`{command}` has to be tried here");
        eprintln!("not tried: {command}");
        self.impossible.push(command.to_owned());
    }

    /// Takes note of what a command said.
    pub(super) fn add(&mut self, command: &str, out: &Output) {
        let said = out.stderr.lines().filter(|line| line.starts_with("bundle: ") || line.starts_with("hint: "));
        let mut said: String = said.map(|line| format!("{line}\n")).collect();
        for (text, shown) in &self.names {
            said = said.replace(text, shown);
        }
        let said = without_moments(&without_digests(&without_homes(&said)));
        assert!(!said.is_empty(), "{command}: {}", out.all());
        assert!(!self.said.iter().any(|(other, _)| other == command), "two are called `{command}`");
        self.said.push((command.to_owned(), said));
    }
}

/// Directories that are made for one run.
fn without_homes(text: &str) -> String {
    let start = format!("{}/.tmp", std::env::temp_dir().display());
    let mut parts = text.split(&start);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + "/home" + part.get(6..).unwrap_or_default())
}

/// Digests, which follow from the ports of a run.
fn without_digests(text: &str) -> String {
    ["sha256:", "sha256-"].iter().fold(text.to_owned(), |text, start| {
        let mut parts = text.split(start);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |said, part| match part.get(..64) {
            Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => said + start + &"0".repeat(64) + &part[64..],
            _ => said + start + part,
        })
    })
}

/// Today's date, the hours of today, and the room on this machine's drive.
fn without_moments(text: &str) -> String {
    let mut text = text.to_owned();
    for (before, after, shown) in MOMENTS {
        let mut parts = text.split(before);
        let first = parts.next().unwrap_or_default().to_owned();
        let cut = |part: &str| part.find(after).map_or(String::new(), |at| part[at..].to_owned());
        text = parts.fold(first, |said, part| said + before + shown + &cut(part));
    }
    let free = |line: &str| match line.strip_suffix(" are free").and_then(|rest| rest.rsplit_once(", ")) {
        Some((before, _)) => format!("{before}, 1.50 GiB are free\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(free).collect()
}
