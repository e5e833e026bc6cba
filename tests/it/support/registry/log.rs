//! What the registry was asked, in order of arrival, also where no answer got out.

use std::fmt;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its place in the order of arrival.
    pub id: u64,
    /// The connection it came over; two requests with the same number shared one.
    pub connection: u64,
    /// `GET`, `PUT` …
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// What follows the question mark, as sent.
    pub query: String,
    /// The header lines as sent.
    pub headers: Vec<(String, String)>,
    /// The status answered; 0 as long as, or if, there was none.
    pub status: u16,
    /// Bytes of the request's body that arrived, also where it was cut.
    pub body_bytes: u64,
    /// Bytes of the answer's body that were sent.
    pub sent_bytes: u64,
    /// When it arrived.
    pub at: Instant,
}

impl Request {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Path and query as sent.
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// The decoded values of a query parameter.
    pub fn query_values(&self, name: &str) -> Vec<String> {
        let pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} → {}", self.method, self.target(), self.status)
    }
}

/// All requests so far.
#[derive(Default)]
pub struct Log {
    entries: Mutex<Vec<Request>>,
    changed: Condvar,
}

impl Log {
    pub(super) fn begin(&self, request: &Request) {
        self.entries.lock().expect("log").push(request.clone());
        self.changed.notify_all();
    }

    pub(super) fn update(&self, id: u64, change: impl FnOnce(&mut Request)) {
        let mut entries = self.entries.lock().expect("log");
        if let Some(entry) = entries.iter_mut().rev().find(|entry| entry.id == id) {
            change(entry);
        }
        self.changed.notify_all();
    }

    pub(super) fn all(&self) -> Vec<Request> {
        self.entries.lock().expect("log").clone()
    }

    pub(super) fn clear(&self) {
        self.entries.lock().expect("log").clear();
    }

    /// Waits until the log is as wished; false when that took longer than `limit`.
    pub(super) fn wait_until(&self, limit: Duration, mut wish: impl FnMut(&[Request]) -> bool) -> bool {
        let entries = self.entries.lock().expect("log");
        let (_entries, result) =
            self.changed.wait_timeout_while(entries, limit, |entries| !wish(entries)).expect("log");
        !result.timed_out()
    }
}
