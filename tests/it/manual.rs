//! What a system gets beside the program: manual pages and completions, which know every command and flag that there is.

use std::collections::BTreeSet;

use tempfile::tempdir;

use crate::bundle;

/// The commands that the program lists.
fn commands() -> Vec<String> {
    let text = bundle().args(["--help"]).run().succeeds().stdout;
    let list = text.split("\nCommands:\n").nth(1).expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The flags in some text, as in `--jobs`.
fn flags(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| word.len() > 3 && word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_manual_page_with_all_its_flags_and_its_example() {
    let place = tempdir().expect("a directory");
    let directory = place.path().join("new/man1");
    let commands = commands();
    let said = bundle().args(["man"]).args([&directory]).run().succeeds().all();
    assert!(said.contains(&format!("{} pages", commands.len() + 1)), "{said}");
    assert_eq!(std::fs::read_dir(&directory).expect("pages").count(), commands.len() + 1);
    for command in &commands {
        let page = std::fs::read_to_string(directory.join(format!("bundle-{command}.1"))).expect(command);
        let page = page.replace("\\-", "-").replace("\\fB", " ").replace("\\fR", " ");
        let help = bundle().args([command, "--help"]).run().succeeds().stdout;
        // What a flag is called besides is said by `--help` alone.
        let mut parts = help.split("[alias: ");
        let first = parts.next().unwrap_or_default();
        let rest = parts.filter_map(|part| part.split_once(']')).map(|(_, rest)| rest);
        let help: String = std::iter::once(first).chain(rest).collect();
        let lacking: Vec<_> = flags(&help).difference(&flags(&page)).cloned().collect();
        assert!(lacking.is_empty(), "{command}: {lacking:?}");
        assert!(page.contains("Example:") && page.contains(&format!("bundle {command}")), "{page}");
        assert!(page.contains("Exit status:"), "{page}");
    }
    let first = std::fs::read_to_string(directory.join("bundle.1")).expect("the page of the program");
    assert!(commands.iter().all(|name| first.replace("\\-", "-").contains(name.as_str())), "{first}");
    let json = bundle().args(["--format", "json", "man"]).args([&directory]).run().succeeds().json();
    assert_eq!(json["files"].as_array().map(Vec::len), Some(commands.len() + 1));
}

#[test]
fn every_shell_is_told_every_command_and_flag() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bundle().args(["completion", shell]).run().succeeds().stdout;
        for command in commands() {
            assert!(script.contains(&command), "{shell} does not know {command}");
            let help = bundle().args([&command, "--help"]).run().succeeds().stdout;
            let options: BTreeSet<_> =
                help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(flags).collect();
            // fish and zsh leave the dashes away, or part them.
            let lacking: Vec<_> =
                options.iter().filter(|flag| !script.contains(flag.trim_start_matches('-'))).collect();
            assert!(lacking.is_empty(), "{shell}, {command}: {lacking:?}");
        }
    }
    let said = bundle().args(["completion", "tcsh"]).run().exits(2).stderr;
    assert!(said.contains("bash"), "{said}");
}

#[test]
fn pages_that_cannot_be_written_are_named() {
    let place = tempdir().expect("a directory");
    let file = place.path().join("file");
    std::fs::write(&file, "in the way").expect("a file");
    let said = bundle().args(["man"]).args([file.join("man1")]).run().exits(2).stderr;
    assert!(said.contains(&file.display().to_string()), "{said}");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "in the way");
}
