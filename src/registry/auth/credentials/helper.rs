//! `docker-credential-NAME get`: other programs that keep credentials.
//!
//! The protocol is docker's: the server's name on stdin, JSON on stdout. A helper is given a time limit,
//! and an environment without our own variables, some of which are secrets. Nothing it prints is repeated
//! but the plain words in the first line of a failure.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::credential::{Credential, Secret};
use crate::{Error, NextStep, Result};

const TIME_LIMIT: Duration = Duration::from_secs(30);
const MAX_OUTPUT: u64 = 64 << 10;
const MAX_LINE: usize = 200;
/// Longer ones are no words, in characters.
const MAX_WORD: usize = 16;
/// After these, as in `password: …`, comes what is not for others.
const SECRET_WORDS: [&str; 5] = ["key", "password", "secret", "token", "username"];
/// What docker's helpers say, and its own client looks for.
const NOT_FOUND: &str = "credentials not found";

/// A helper's answer, or why there is none: kept, so that no helper is asked the same twice.
type Answer = Result<Option<Credential>, Failure>;
/// Answers by helper and server.
type Answers = HashMap<(String, String), Arc<OnceLock<Answer>>>;

#[derive(Clone, Debug)]
struct Failure {
    reason: String,
    next: NextStep,
}

impl Failure {
    /// The error of the helper `name`, which the file `config` names.
    fn of(self, name: &str, config: &Path) -> Error {
        let reason = format!("{}: credential helper {}: {}", config.display(), name.escape_debug(), self.reason);
        Error::refused(reason, self.next)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    username: String,
    secret: Secret,
}

/// The helpers on the search path and what they have answered.
#[derive(Debug)]
pub(crate) struct Helpers {
    path: Option<String>,
    time_limit: Duration,
    answers: Mutex<Answers>,
}

impl Default for Helpers {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Helpers {
    /// Helpers are searched in the directories of `path`, separated as in `PATH`.
    pub(crate) fn new(path: Option<String>) -> Self {
        Self { path, time_limit: TIME_LIMIT, answers: Mutex::default() }
    }

    #[cfg(test)]
    pub(crate) fn set_time_limit(&mut self, limit: Duration) {
        self.time_limit = limit;
    }

    /// Asks the helper `name`, which the file `config` names, for the credential of `server`. Calls
    /// from other threads for the same wait for the one answer.
    ///
    /// # Errors
    /// When there is no such helper, it fails, or says something else than a credential.
    pub(crate) fn get(&self, name: &str, server: &str, config: &Path) -> Result<Option<Credential>> {
        let key = (name.to_owned(), server.to_owned());
        let cell = self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let answer = cell.get_or_init(|| self.ask(name, server));
        answer.clone().map_err(|failure| failure.of(name, config))
    }

    /// Whether the helper `name` has anything for `server` now.
    ///
    /// # Errors
    /// As [`Helpers::get`].
    pub(crate) fn knows(&self, name: &str, server: &str, config: &Path) -> Result<bool> {
        match self.ask(name, server) {
            Ok(found) => Ok(found.is_some()),
            Err(failure) => Err(failure.of(name, config)),
        }
    }

    /// Has the helper `name` do something that it does not answer to: `store` or `erase`.
    ///
    /// # Errors
    /// When there is no such helper, or it fails.
    pub(crate) fn tell(&self, name: &str, verb: &str, input: &str, config: &Path) -> Result<()> {
        let done = self.find(name).and_then(|program| {
            let failed = |reason| Failure { reason, next: NextStep::RunHelper };
            let output = run(&program, verb, input, self.time_limit).map_err(failed)?;
            let missing = verb == "erase" && says_not_found(&output.stdout);
            if output.status.success() || missing {
                return Ok(());
            }
            // What it says may repeat what it was told.
            Err(failed(format!("failed to {verb} ({})", output.status)))
        });
        done.map_err(|failure| failure.of(name, config))
    }

    fn ask(&self, name: &str, server: &str) -> Answer {
        let failed = |reason: String| Failure { reason, next: NextStep::RunHelperOrLogIn };
        let program = self.find(name)?;
        let output = run(&program, "get", server, self.time_limit).map_err(failed)?;
        if !output.status.success() {
            if says_not_found(&output.stdout) {
                return Ok(None);
            }
            let line = first_line(&output.stdout);
            let said = if line.is_empty() { String::new() } else { format!(": {line}") };
            return Err(failed(format!("failed ({}){said}", output.status)));
        }
        // serde's message would quote the answer.
        let found: Told =
            serde_json::from_slice(&output.stdout).map_err(|_| failed("its answer is not a credential".into()))?;
        if found.username.is_empty() && found.secret.expose().is_empty() {
            return Ok(None);
        }
        Ok(Some(Credential::new(found.username, found.secret)))
    }

    fn find(&self, name: &str) -> Result<PathBuf, Failure> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || !name.chars().all(is_word) {
            let reason = "not a name of a helper".to_owned();
            return Err(Failure { reason, next: NextStep::NameHelper });
        }
        let file = format!("docker-credential-{name}");
        let directories = self.path.iter().flat_map(std::env::split_paths);
        // A relative directory would be the working directory's word on who gets asked.
        directories
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(&file))
            .find(|path| is_program(path))
            .ok_or_else(|| Failure { reason: format!("no {file} on PATH"), next: NextStep::InstallHelper })
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

struct Output {
    status: ExitStatus,
    stdout: Vec<u8>,
}

fn run(program: &Path, verb: &str, input: &str, limit: Duration) -> Result<Output, String> {
    let deadline = Instant::now() + limit;
    let mut command = Command::new(program);
    command.arg(verb).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_our_own(name)) {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| format!("cannot be run: {error}"))?;
    let outcome = talk(&mut child, input, deadline);
    if outcome.is_err() {
        // It may have gone already; and it is waited for, so that no zombie is left.
        let _ = child.kill();
        let _ = child.wait();
    }
    outcome
}

/// Question and answer, in a thread of their own: whoever inherited the helper's output can hold it
/// open for longer than we wait.
fn talk(child: &mut Child, server: &str, deadline: Instant) -> Result<Output, String> {
    let late = || "gave no answer in time".to_owned();
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("cannot be talked to".into());
    };
    let question = server.to_owned();
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        // A helper need not read the question to answer it.
        let _ = stdin.write_all(question.as_bytes());
        drop(stdin);
        let mut output = Vec::new();
        let read = stdout.take(MAX_OUTPUT + 1).read_to_end(&mut output);
        let _ = sender.send(read.map(|_| output));
    });
    let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
    let stdout = answer.recv_timeout(left(deadline)).map_err(|_| late())?;
    let stdout = stdout.map_err(|error| format!("its answer cannot be read: {error}"))?;
    if stdout.len() as u64 > MAX_OUTPUT {
        return Err("its answer is too long".into());
    }
    // Its output is at an end, and so is it, in all but odd cases: std has no wait with a limit.
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(Output { status, stdout }),
            Ok(None) if left(deadline).is_zero() => return Err(late()),
            Ok(None) => thread::sleep(Duration::from_millis(2)),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn says_not_found(output: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&output[..output.len().min(4 * MAX_LINE)]);
    text.trim_start().lines().next().is_some_and(|line| line.contains(NOT_FOUND))
}

/// Variables that tell this program something, and no other.
fn is_our_own(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("BUNDLE_") || ["AUTHCRED", "TARGETHOST", "TARGETNAMESPACE"].contains(&&*name)
}

/// The first line, short, and of its words those that can only be words: whatever a helper failed at, it
/// had to do with secrets.
fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(&output[..output.len().min(4 * MAX_LINE)]);
    let line = text.trim_start().lines().next().unwrap_or_default();
    let mut words: Vec<&str> = Vec::new();
    let mut named = false;
    for word in line.split_whitespace() {
        let bare = word.trim_matches(['.', ',', ':', ';', '\'', '(', ')', '!']);
        let is_word = bare.len() <= MAX_WORD && bare.chars().all(|c| c.is_ascii_alphabetic()) && !word.contains('=');
        // What follows one of these is no word, whatever it looks like.
        let hides = word.ends_with(':') && SECRET_WORDS.contains(&bare.to_ascii_lowercase().as_str());
        words.push(if is_word && !named { word } else { "***" });
        named = hides;
    }
    words.dedup_by(|one, other| *one == "***" && *other == "***");
    // A word that stands alone may be anything.
    if words.len() == 1 {
        return "***".into();
    }
    words.join(" ").chars().take(MAX_LINE).collect()
}
