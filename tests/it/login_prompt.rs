//! `login` at a terminal: it asks for what is missing, what is typed as a password is never shown, and the terminal is
//! left as it was.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

use crate::support::registry::{Auth, Registry};

const LIMIT: Duration = Duration::from_secs(60);

/// A program at a terminal of its own, and what that shows.
struct Terminal {
    keys: File,
    screen: Arc<(Mutex<String>, Condvar)>,
    program: Child,
    home: TempDir,
}

impl Terminal {
    /// `bundle` with these arguments.
    fn run(args: &[&str]) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keys).expect("a terminal of ours");
        unlockpt(&keys).expect("a terminal of ours");
        let name = ptsname(&keys, Vec::new()).expect("its name").into_string().expect("a path");
        let end = File::options().read(true).write(true).open(name).expect("the program's end");
        let end = || Stdio::from(OwnedFd::from(end.try_clone().expect("the same end")));
        let home = tempfile::tempdir().expect("a home");
        let program = Command::new(env!("CARGO_BIN_EXE_bundle"))
            .args(args)
            .env_clear()
            .envs(["HOME", "DOCKER_CONFIG"].map(|name| (name, home.path())))
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the program");
        let keys = File::from(keys);
        let screen = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let (mut shown, filled) = (keys.try_clone().expect("the terminal"), screen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            // An error is the end: nobody has the other end open any more.
            while let Ok(n @ 1..) = shown.read(&mut buffer) {
                filled.0.lock().expect("the screen").push_str(&String::from_utf8_lossy(&buffer[..n]));
                filled.1.notify_all();
            }
        });
        Self { keys, screen, program, home }
    }

    /// Waits until this is on the screen.
    #[track_caller]
    fn shows(&self, text: &str) {
        let screen = self.screen.0.lock().expect("the screen");
        let (screen, result) =
            self.screen.1.wait_timeout_while(screen, LIMIT, |screen| !screen.contains(text)).expect("the screen");
        assert!(!result.timed_out(), "{text}: {screen}");
    }

    fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("typed");
    }

    /// Whether what is typed is shown.
    fn echoes(&self) -> bool {
        tcgetattr(&self.keys).expect("its modes").local_modes.contains(LocalModes::ECHO)
    }

    /// How it ended, and all that was on the screen.
    fn ends(mut self) -> (ExitStatus, String, TempDir) {
        let status = self.program.wait().expect("its end");
        assert!(self.echoes(), "the terminal is left as it was");
        let text = self.screen.0.lock().expect("the screen").clone();
        (status, text, self.home)
    }
}

fn registry() -> Registry {
    Registry::builder().auth(Auth::basic("user", "secret-word")).start()
}

#[test]
fn what_is_missing_is_asked_for_and_the_password_is_not_shown() {
    let registry = registry();
    let mut terminal = Terminal::run(&["login", &registry.host(), "--plain-http"]);
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
        let mut terminal = Terminal::run(&["login", &registry.host(), "--plain-http", "--username", "user"]);
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
    let terminal = Terminal::run(&["login", &registry.host(), "--plain-http", "--username", "user"]);
    terminal.shows("Password: ");
    assert!(!terminal.echoes());
    kill_process(Pid::from_child(&terminal.program), Signal::INT).expect("our own child");
    let (status, text, _) = terminal.ends();
    assert_eq!(status.code(), Some(130), "{text}");
    assert_eq!(registry.connections(), 0);
}
