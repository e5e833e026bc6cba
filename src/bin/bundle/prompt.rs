//! What is asked of a person at a terminal, and what is read from standard input in their place.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::sync::{Mutex, PoisonError};

use oci_bundle::{Error, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// No password is longer, in bytes.
const MOST: u64 = 64 << 10;

/// How the terminal was before its echo was switched off.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether somebody can be asked.
pub(crate) fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A line that may be seen.
///
/// # Errors
/// Standard input cannot be read.
pub(crate) fn line(question: &str) -> Result<String> {
    ask(question);
    read_line()
}

/// Waits for Enter. Whether somebody pressed it: where the terminal is gone, or was told that this is its end, nobody did.
///
/// # Errors
/// Standard input cannot be read.
pub(crate) fn enter(question: &str) -> Result<bool> {
    ask(question);
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MOST).read_line(&mut text);
    read.map_err(Error::disk("read", "standard input"))?;
    Ok(text.ends_with('\n'))
}

/// A password: the first line of standard input. At a terminal it is asked for, and not shown.
///
/// # Errors
/// Standard input cannot be read, or has none.
pub(crate) fn password() -> Result<String> {
    if is_possible() {
        return hidden("Password: ");
    }
    not_empty(read_all()?)
}

/// A password that somebody types at the terminal, and that is not shown.
///
/// # Errors
/// The terminal cannot be read, or nothing was typed.
pub(crate) fn hidden(question: &str) -> Result<String> {
    // In this order: whoever sees the question may type at once.
    hide();
    ask(question);
    let answer = read_line();
    restore();
    ask("\n");
    not_empty(answer?)
}

fn not_empty(password: String) -> Result<String> {
    match password {
        empty if empty.is_empty() => Err(Error::usage("the password on standard input is empty")),
        password => Ok(password),
    }
}

/// Gives the terminal its echo back, if it has lost it.
pub(crate) fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A terminal that is gone needs none.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &before);
    }
}

fn hide() {
    let Ok(before) = tcgetattr(std::io::stdin()) else { return };
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
    // Where that is refused, the terminal was none.
    let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent);
}

fn ask(text: &str) {
    let mut stderr = std::io::stderr().lock();
    // Nobody is left to ask when standard error is closed.
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
}

fn read_line() -> Result<String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MOST).read_line(&mut text);
    read.map_err(Error::disk("read", "standard input"))?;
    Ok(without_end(&text))
}

fn read_all() -> Result<String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MOST).read_to_string(&mut text);
    read.map_err(Error::disk("read the password", "standard input"))?;
    Ok(without_end(&text))
}

fn without_end(text: &str) -> String {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.strip_suffix('\r').unwrap_or(line).to_owned()
}
