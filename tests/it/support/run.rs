//! Running the program as a person does: arguments, environment, pipes, signals.
//!
//! The environment is clean: nothing of the developer's own configuration is seen.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A command to be run.
pub struct Run {
    command: Command,
    home: TempDir,
    stdin: Vec<u8>,
    limit: Duration,
}

impl Run {
    /// Runs this program, with an empty home and no variables but `PATH`.
    pub fn new(program: impl AsRef<Path>) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let mut command = Command::new(program.as_ref());
        command.env_clear().current_dir(home.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for name in ["HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "TMPDIR"] {
            command.env(name, home.path());
        }
        // Where a panic happened is the first thing to know about it.
        command.env("RUST_BACKTRACE", "1");
        Self { command, home, stdin: Vec::new(), limit: Duration::from_secs(60) }
    }

    /// The home directory, which is also the working directory unless another is set.
    pub fn home(&self) -> PathBuf {
        self.home.path().into()
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in this directory.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What it reads from standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Fails the test if it runs longer than this (one minute).
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Output {
        self.spawn().wait()
    }

    /// Starts it.
    pub fn spawn(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let streams = Arc::new(Streams::default());
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = self.stdin;
        // A program that does not read its input closes the pipe: that is its right.
        thread::spawn(move || drop(stdin.write_all(&input)));
        let readers = vec![
            streams.follow(child.stdout.take().expect("a pipe"), 0),
            streams.follow(child.stderr.take().expect("a pipe"), 1),
        ];
        let text = format!("{:?}", self.command);
        Running { child, streams, readers, text, started: Instant::now(), limit: self.limit, _home: self.home }
    }
}

#[derive(Default)]
struct Streams {
    /// Standard output and standard error so far, and how many of the two have ended.
    state: Mutex<([Vec<u8>; 2], usize)>,
    changed: Condvar,
}

impl Streams {
    fn follow(self: &Arc<Self>, mut pipe: impl Read + Send + 'static, which: usize) -> JoinHandle<()> {
        let streams = self.clone();
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let n = pipe.read(&mut buffer).unwrap_or(0);
                let mut state = streams.state.lock().expect("streams");
                state.0[which].extend_from_slice(&buffer[..n]);
                state.1 += usize::from(n == 0);
                streams.changed.notify_all();
                if n == 0 {
                    return;
                }
            }
        })
    }

    fn text(&self, which: usize) -> String {
        String::from_utf8_lossy(&self.state.lock().expect("streams").0[which]).into_owned()
    }
}

/// A program that runs. Killed when dropped.
pub struct Running {
    child: Child,
    streams: Arc<Streams>,
    readers: Vec<JoinHandle<()>>,
    text: String,
    started: Instant,
    limit: Duration,
    _home: TempDir,
}

impl Running {
    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// SIGINT, as Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        // Not waited for yet, so the number cannot belong to another process.
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a signal to our own child");
    }

    /// Waits until standard error holds this text.
    pub fn wait_for_stderr(&self, text: &str) {
        self.wait_for(1, text);
    }

    /// Waits until standard output holds this text.
    pub fn wait_for_stdout(&self, text: &str) {
        self.wait_for(0, text);
    }

    fn wait_for(&self, which: usize, text: &str) {
        let mut state = self.streams.state.lock().expect("streams");
        while !String::from_utf8_lossy(&state.0[which]).contains(text) {
            let left = self.limit.saturating_sub(self.started.elapsed());
            let over = left.is_zero() || state.1 == 2;
            assert!(!over, "{}: never said {text:?}: {}", self.text, String::from_utf8_lossy(&state.0[which]));
            state = self.streams.changed.wait_timeout(state, left).expect("streams").0;
        }
    }

    /// Standard output so far.
    pub fn stdout(&self) -> String {
        self.streams.text(0)
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Output {
        let state = self.streams.state.lock().expect("streams");
        let left = self.limit.saturating_sub(self.started.elapsed());
        let (state, result) = self.streams.changed.wait_timeout_while(state, left, |s| s.1 < 2).expect("streams");
        drop(state);
        let status = if result.timed_out() { None } else { self.reap() };
        let (stdout, stderr) = (self.streams.text(0), self.streams.text(1));
        let Some(status) = status else {
            panic!("{} ran for more than {:?}\nstdout: {stdout}\nstderr: {stderr}", self.text, self.limit);
        };
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader");
        }
        let took = self.started.elapsed();
        let text = std::mem::take(&mut self.text);
        Output { text, stdout, stderr, code: status.code(), signal: status.signal(), took }
    }

    /// Both streams have ended: what remains is the exit itself.
    fn reap(&mut self) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return Some(status);
            }
            if self.started.elapsed() > self.limit {
                return None;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What became of a command.
#[derive(Debug)]
pub struct Output {
    text: String,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit status, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// How long it ran.
    pub took: Duration,
}

impl Output {
    /// Asserts this exit status; the message shows what was said.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let Self { text, stdout, stderr, signal, .. } = &self;
        assert_eq!(self.code, Some(code), "{text} (signal {signal:?})\nstdout: {stdout}\nstderr: {stderr}");
        self
    }

    /// Asserts exit status 0.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{}: {error}: {}", self.text, self.stdout))
    }

    /// Standard output and standard error, one after the other.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}
