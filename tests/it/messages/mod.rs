//! What a person reads when something goes wrong, as it stands in `messages.txt`: each message with its next step, in
//! three lines of a hundred columns at most, and each step of the catalogue at least once. BLESS=1 writes what is said
//! now; whoever commits it has read it.

mod catalogue;
mod of_bases;
mod of_commands;
mod of_credentials;
mod of_exports;
mod of_files;
mod of_imports;
mod of_machines;
mod of_mirrors;
mod of_platforms;
mod of_signatures;
mod of_tls;
mod of_volumes;
mod told;

use std::fs;
use std::path::Path;

use crate::support::run::Run;
use told::Told;

const COLUMNS: usize = 100;
const LINES: usize = 3;
/// What lists of places begin with.
const LISTS: [&str; 3] = ["looked in ", "more like it: ", "at none of its urls: "];

fn bundle() -> Run {
    crate::bundle().env("BUNDLE_RETRY_DELAY", "1")
}

/// What a line takes, without digests and what else is to be pasted: that is as long as it is.
fn columns(line: &str) -> usize {
    let line = line.replace(&format!("sha256:{}", "0".repeat(64)), "");
    line.split('`').step_by(2).map(|text| text.chars().count()).sum()
}

/// The messages that take more lines than they may, or come without a next step. How the command goes on is said once
/// for all of them, in a line of its own.
fn too_long(command: &str, said: &str) -> Vec<String> {
    let mut found = Vec::new();
    let said = format!("\n{said}");
    for message in said.split("\nbundle: ").filter(|message| !message.is_empty()) {
        let message = format!("bundle: {message}");
        let lines = message.lines().filter(|line| !line.starts_with("hint: run the same command again to go on"));
        let rows: usize = lines.map(|line| columns(line).div_ceil(COLUMNS)).sum();
        // Places that are listed are as many as they are.
        let most = LINES + usize::from(LISTS.iter().any(|list| message.contains(list)));
        if rows > most || !message.contains("\nhint: ") {
            found.push(format!("{command}: {rows} lines: {message}"));
        }
    }
    found
}

fn told() -> Told {
    let mut told = Told::default();
    of_commands::scenes(&mut told);
    of_exports::scenes(&mut told);
    of_imports::scenes(&mut told);
    of_files::scenes(&mut told);
    of_credentials::scenes(&mut told);
    of_tls::scenes(&mut told);
    of_machines::scenes(&mut told);
    of_volumes::scenes(&mut told);
    of_bases::scenes(&mut told);
    of_platforms::scenes(&mut told);
    of_mirrors::scenes(&mut told);
    of_signatures::scenes(&mut told);
    told
}

#[test]
fn every_message_is_the_one_that_was_looked_at_fits_and_every_step_of_the_catalogue_is_among_them() {
    let Told { mut said, impossible, .. } = told();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/messages/messages.txt");
    let looked_at = || fs::read_to_string(&file).expect("the messages");
    let old = looked_at();
    for command in impossible {
        let section = old.split("# ").find_map(|section| section.strip_prefix(&format!("{command}\n")));
        said.push((command, section.unwrap_or_default().trim_end().to_owned() + "\n"));
    }
    said.sort();
    let now: String = said.iter().map(|(command, said)| format!("# {command}\n{said}\n")).collect();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &now).expect("the messages");
    }
    let told = said;
    let too_long: Vec<String> = told.iter().flat_map(|(command, said)| too_long(command, said)).collect();
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
    let hints = told.iter().flat_map(|(_, said)| said.lines().filter_map(|line| line.strip_prefix("hint: ")));
    let unsaid = catalogue::not_among(&hints.collect::<Vec<_>>());
    assert!(unsaid.is_empty(), "no scene leads to {unsaid:?}");
    assert_eq!(now, looked_at(), "{}", file.display());
}
