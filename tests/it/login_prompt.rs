//! `login` at a terminal: it asks for what is missing, what is typed as a password is never shown, and the terminal is
//! left as it was.

use crate::support::registry::{Auth, Registry};
use crate::support::terminal::Terminal;

fn registry() -> Registry {
    Registry::builder().auth(Auth::basic("user", "secret-word")).start()
}

#[test]
fn what_is_missing_is_asked_for_and_the_password_is_not_shown() {
    let registry = registry();
    let mut terminal = Terminal::run(env!("CARGO_BIN_EXE_bundle"), &["login", &registry.host(), "--plain-http"]);
    terminal.shows("User name: ");
    assert!(terminal.echoes());
    terminal.types("user\n");
    terminal.shows("Password: ");
    assert!(!terminal.echoes(), "before the question is there, nothing typed is shown any more");
    terminal.types("secret-word\n");
    terminal.shows("logged in");
    let (status, text, home) = terminal.ends();
    assert!(status.success() && !text.contains("secret-word"), "{text}");
    let kept = std::fs::read_to_string(home.path().join("config.json")).expect("what was kept");
    assert!(kept.contains("dXNlcjpzZWNyZXQtd29yZA=="), "{kept}");
}

#[test]
fn a_wrong_or_an_empty_password_is_refused_and_not_shown_either() {
    for (typed, status) in [("wrong-word\n", 4), ("\n", 2)] {
        let registry = registry();
        let mut terminal = Terminal::run(
            env!("CARGO_BIN_EXE_bundle"),
            &["login", &registry.host(), "--plain-http", "--username", "user"],
        );
        terminal.shows("Password: ");
        terminal.types(typed);
        terminal.shows("bundle: ");
        let (ended, text, home) = terminal.ends();
        assert_eq!(ended.code(), Some(status), "{text}");
        assert!(!text.contains("wrong-word"), "{text}");
        assert!(!home.path().join("config.json").exists());
    }
}

#[test]
fn whoever_stops_it_at_the_question_has_the_terminal_back() {
    let registry = registry();
    let terminal =
        Terminal::run(env!("CARGO_BIN_EXE_bundle"), &["login", &registry.host(), "--plain-http", "--username", "user"]);
    terminal.shows("Password: ");
    assert!(!terminal.echoes());
    terminal.interrupt();
    let (status, text, _) = terminal.ends();
    assert_eq!(status.code(), Some(130), "{text}");
    assert_eq!(registry.connections(), 0);
}
