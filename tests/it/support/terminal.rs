//! A program at a terminal of its own.

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

const LIMIT: Duration = Duration::from_secs(60);

/// A program at a terminal of its own, and what that shows.
pub struct Terminal {
    keys: File,
    screen: Arc<(Mutex<String>, Condvar)>,
    program: Child,
    home: TempDir,
}

impl Terminal {
    /// This program with these arguments.
    pub fn run(program: &str, args: &[&str]) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keys).expect("a terminal of ours");
        unlockpt(&keys).expect("a terminal of ours");
        let name = ptsname(&keys, Vec::new()).expect("its name").into_string().expect("a path");
        let end = File::options().read(true).write(true).open(name).expect("the program's end");
        let end = || Stdio::from(OwnedFd::from(end.try_clone().expect("the same end")));
        let home = tempfile::tempdir().expect("a home");
        let program = Command::new(program)
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
    pub fn shows(&self, text: &str) {
        let screen = self.screen.0.lock().expect("the screen");
        let (screen, result) =
            self.screen.1.wait_timeout_while(screen, LIMIT, |screen| !screen.contains(text)).expect("the screen");
        assert!(!result.timed_out(), "{text}: {screen}");
    }

    pub fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("typed");
    }

    /// Whether what is typed is shown.
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.keys).expect("its modes").local_modes.contains(LocalModes::ECHO)
    }

    /// As Ctrl-C does.
    pub fn interrupt(&self) {
        kill_process(Pid::from_child(&self.program), Signal::INT).expect("our own child");
    }

    /// How it ended, and all that was on the screen.
    pub fn ends(mut self) -> (ExitStatus, String, TempDir) {
        let status = self.program.wait().expect("its end");
        assert!(self.echoes(), "the terminal is left as it was");
        let text = self.screen.0.lock().expect("the screen").clone();
        (status, text, self.home)
    }
}
