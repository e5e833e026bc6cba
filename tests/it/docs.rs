//! What a reader copies from a page is what the program takes, and what a person looks up there is what the program says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::bundle;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README, and every page below `docs`.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// The command lines of `bundle` in the fenced blocks of a page, each with the number of its line. In a `console` block
/// they stand behind a `$`, elsewhere at the beginning of a line; one that ends with a backslash goes on in the next.
fn commands(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut language, mut goes_on) = (None, false);
    for (number, line) in (1..).zip(page.lines().map(str::trim)) {
        if let Some(opened) = line.strip_prefix("```") {
            language = language.is_none().then_some(opened);
            continue;
        }
        let typed = match language {
            None => continue,
            _ if goes_on => line,
            Some("console") => line.strip_prefix("$ ").unwrap_or_default(),
            Some("sh" | "text" | "") => line,
            Some(_) => continue,
        };
        if goes_on {
            if let Some((_, last)) = found.last_mut() {
                last.push(' ');
                last.push_str(typed.trim_end_matches('\\'));
            }
        } else if typed.split_whitespace().find(|word| !word.contains('=')) == Some("bundle") {
            found.push((number, typed.trim_end_matches('\\').to_owned()));
        } else if let Some((_, after)) = typed.split_once("| bundle ") {
            found.push((number, format!("bundle {after}")));
        } else {
            continue;
        }
        goes_on = typed.ends_with('\\');
    }
    found
}

/// The words of a command line, up to a pipe or a redirection. Quotes hold words together, as a shell has it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '|' | '>' | '<' | '#' | ';' | '&') if word.is_none() => return words,
            (None, ';') => break,
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// What the program says to a command line that it is only to read: with the help asked for, nothing is carried out.
fn read_only(line: &str) -> Result<(), String> {
    // What stands for one of a few words in a usage line.
    let mut line = line.replace("--for RUNTIME", "--for containerd");
    // What another command prints is a digest, where its form counts.
    while let Some((before, (_, after))) = line.split_once("$(").and_then(|(b, rest)| Some((b, rest.split_once(')')?)))
    {
        line = format!("{before}{}{after}", "0".repeat(64));
    }
    let all = words(&line);
    let args: Vec<&str> = all.iter().map(String::as_str).skip_while(|word| *word != "bundle").skip(1).collect();
    let said = bundle().args(&args).args(["--help"]).run();
    if said.code != Some(0) {
        return Err(said.stderr);
    }
    let command = args.first().copied().unwrap_or_default();
    let has = |flags: &[&str]| args.iter().any(|arg| flags.iter().any(|flag| arg.starts_with(flag)));
    // Asked for help, the program does not ask for what is missing.
    let needs: &[&[&str]] = match command {
        "copy" | "import" | "mirror-config" => &[&["--registry", "TARGETHOST"]],
        "export" | "pack" => &[&["-o", "--output", "--dry-run"]],
        "inventory" => &[&["-o", "--output"]],
        "check" => &[&["-f", "--file"]],
        "sign" => &[&["--key"]],
        _ => &[],
    };
    // A line that shows one flag of a longer command ends so.
    match needs.iter().find(|flags| !has(flags) && !line.contains('…') && !line.starts_with("TARGETHOST=")) {
        Some(flags) => Err(format!("it has no {}", flags[0])),
        None => Ok(()),
    }
}

#[test]
fn every_command_on_every_page_is_one_that_the_program_takes() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for (number, line) in commands(&text) {
            count += 1;
            if let Err(why) = read_only(&line) {
                wrong.push(format!("{}:{number}: {line}\n{why}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "only {count} commands were found");
}

#[test]
fn pages_name_the_compiler_that_the_manifest_asks_for() {
    let asked = format!("Rust {} or later", env!("CARGO_PKG_RUST_VERSION"));
    for page in ["README.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(page)).expect("a page");
        assert!(text.contains(&asked), "{page} does not say {asked}");
    }
}

#[test]
fn a_command_with_a_flag_that_there_is_not_would_be_found() {
    let page = "```console\n$ bundle import a.tar \\\n    --registry h.example --regist\n```\n";
    let found = commands(page);
    assert_eq!(found, [(2, "bundle import a.tar  --registry h.example --regist".to_owned())]);
    assert!(read_only(&found[0].1).is_err_and(|why| why.contains("--regist")));
    assert!(read_only("bundle import a.tar").is_err_and(|why| why.contains("--registry")));
    assert!(read_only("bundle import a.tar --registry h.example --jobs 0").is_err());
}

#[test]
fn what_is_looked_up_under_troubleshooting_is_what_the_program_says() {
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).expect("the page");
    let said = fs::read_to_string(root().join("tests/it/messages/messages.txt")).expect("the messages");
    let looked_up: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("### `")).filter_map(|line| line.split('`').next()).collect();
    assert!(looked_up.len() > 50, "only {} were found", looked_up.len());
    let unsaid: Vec<&&str> = looked_up.iter().filter(|words| !said.lines().any(|line| holds(line, words))).collect();
    assert!(unsaid.is_empty(), "no message has these words: {unsaid:#?}");
}

#[test]
fn the_next_steps_that_pages_show_are_those_of_the_program() {
    let words = fs::read_to_string(root().join("src/bin/bundle/next_steps/words.txt")).expect("the words");
    let (mut strange, mut count) = (Vec::new(), 0);
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        let shown = text.lines().map(str::trim).filter_map(|line| line.strip_prefix("hint: "));
        for hint in shown {
            count += 1;
            // Between backticks stand names, which are others in each case; two steps are joined by an `or`.
            let mut pieces = hint.split('`').step_by(2).flat_map(|piece| piece.split("; or "));
            if pieces.any(|piece| piece.len() > 8 && !words.contains(piece)) {
                strange.push(format!("{}: {hint}", page.display()));
            }
        }
    }
    assert!(strange.is_empty(), "no step of the program is put so: {strange:#?}");
    assert!(count >= 8, "only {count} were found");
}

/// Whether a line has these words in their order, with anything in the place of each `…`.
fn holds(line: &str, words: &str) -> bool {
    let mut rest = line;
    words.split('…').all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}
