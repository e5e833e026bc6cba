//! What `-h` and `--help` show to somebody in a hurry: what has to be typed, the most important first, and no more
//! than is read.

use std::path::Path;

use crate::bundle;

/// Each command with what its usage has to say, in the order of the work.
const COMMANDS: [(&str, &str); 16] = [
    ("export", "bundle export -o FILE [OPTIONS] IMAGE..."),
    ("copy", "bundle copy --registry HOST[:PORT][/NS] [OPTIONS] IMAGE..."),
    ("verify", "bundle verify [OPTIONS] BUNDLE..."),
    ("list", "bundle list [OPTIONS] BUNDLE..."),
    ("check", "bundle check -f FILE [OPTIONS] [BUNDLE...]"),
    ("import", "bundle import --registry HOST[:PORT][/NS] [OPTIONS] BUNDLE..."),
    ("mirror-config", "bundle mirror-config --registry HOST[:PORT][/NS] --for RUNTIME [OPTIONS] BUNDLE..."),
    ("inventory", "bundle inventory -o FILE [OPTIONS] BUNDLE..."),
    ("pack", "bundle pack -o FILE [OPTIONS] BUNDLE..."),
    ("serve", "bundle serve [OPTIONS] BUNDLE..."),
    ("sign", "bundle sign --key KEY.pem [OPTIONS] BUNDLE"),
    ("keygen", "bundle keygen [OPTIONS] NAME"),
    ("login", "bundle login [OPTIONS] HOST[:PORT]"),
    ("logout", "bundle logout [OPTIONS] HOST[:PORT]"),
    ("completion", "bundle completion SHELL"),
    ("man", "bundle man DIR"),
];
/// Rows of `--help`, and of `-h`. What has to do with two registries has more to say.
const MOST: (usize, usize) = (112, 78);
const MOST_FOR_TWO: (usize, usize) = (132, 92);
const COLUMNS: usize = 100;

fn help(args: &[&str]) -> String {
    bundle().args(args).run().succeeds().stdout
}

/// The commands that the program lists.
fn listed() -> Vec<String> {
    let text = help(&["--help"]);
    let list = text.split("\nCommands:\n").nth(1).expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn the_usage_of_every_command_says_what_it_cannot_do_without() {
    for (command, usage) in COMMANDS {
        for flag in ["-h", "--help"] {
            let text = help(&[command, flag]);
            assert!(text.contains(&format!("Usage: {usage}\n")), "{text}");
        }
        // What is asked for and not given is said with the same words.
        let said = bundle().args([command]).run().exits(2).stderr;
        assert!(said.contains(&format!("`bundle {command} --help`")), "{said}");
    }
}

#[test]
fn commands_stand_in_the_order_of_the_work() {
    let listed = listed();
    let order: Vec<&String> = listed.iter().filter(|name| COMMANDS.iter().any(|(one, _)| one == name)).collect();
    assert_eq!(order, COMMANDS.map(|(name, _)| name));
}

#[test]
fn where_it_goes_is_the_first_option() {
    for (command, first) in [("export", "-o, --output <FILE>"), ("import", "--registry <HOST[:PORT][/NS]>")] {
        let text = help(&[command, "--help"]);
        let options = text.split("\nOptions:\n").nth(1).expect("options");
        assert!(options.trim_start().starts_with(first), "{text}");
    }
}

#[test]
fn every_help_fits_the_screen_says_the_exit_statuses_and_leads_to_its_page() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md")).expect("the page");
    let headings: Vec<String> = page.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    for command in listed().iter().filter(|name| *name != "help") {
        let (long, short) = (help(&[command, "--help"]), help(&[command, "-h"]));
        let most = if command == "copy" { MOST_FOR_TWO } else { MOST };
        assert!(long.lines().count() <= most.0, "{} lines: {long}", long.lines().count());
        assert!(short.lines().count() <= most.1, "{} lines: {short}", short.lines().count());
        assert!(
            !short.contains("[env:") && !short.contains("Fine tuning") && !short.contains("--retry-delay"),
            "{short}"
        );
        assert!(short.contains(&format!("bundle {command} --help")), "{short}");
        for text in [&long, &short] {
            assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
            assert!(text.contains("Example:\n  bundle "), "{text}");
        }
        for status in ["0 done", "1 failed", "2 the command line", "3 the content", "4 needs a person", "128+n"] {
            assert!(long.replace('\n', " ").contains(status), "{status}: {long}");
        }
        let link = long.split("docs/cli.md#").nth(1).expect("a link").split_whitespace().next().unwrap_or_default();
        assert_eq!(link, command.as_str());
        // Of what the page has.
        if page.lines().any(|line| line.starts_with(&format!("bundle {command} "))) {
            assert!(headings.iter().any(|heading| heading == link), "{link}: {headings:?}");
        }
    }
    let all = help(&["--help"]);
    assert!(all.contains("128+n") && all.contains("docs/cli.md"), "{all}");
}

/// As links name a heading.
fn anchor(heading: &str) -> String {
    heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-")
}

#[test]
fn the_mirror_is_named_by_the_url_that_nodes_are_told() {
    let text = help(&["import", "--help"]);
    assert!(text.replace('\n', " ").contains("the mirror https://172.18.0.20/v2/library"), "{text}");
}

#[test]
fn the_examples_are_lines_that_the_program_takes() {
    for (command, _) in COMMANDS {
        let text = help(&[command, "-h"]);
        for line in text.lines().filter_map(|line| line.strip_prefix("  bundle ")) {
            let line = line.split(['<', '>']).next().unwrap_or_default();
            // Its words are flags and values that are known: with the help they are read and not carried out.
            let said = bundle().args(line.split_whitespace()).args(["--help"]).run().succeeds();
            assert!(said.stdout.contains("Usage: bundle "), "{line}: {}", said.all());
        }
    }
}
