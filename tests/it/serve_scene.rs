//! What the tests of `serve` have in common: a server that runs, and questions to it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::scene::command;
use crate::support::client::{Answer, call};
use crate::support::run::{Output, Run, Running};

/// A server at a port of its own. Killed when dropped.
pub(crate) struct Server {
    running: Running,
    /// Host and port.
    pub(crate) host: String,
}

impl Server {
    /// Serves these, with these flags.
    pub(crate) fn start(bundles: &[PathBuf], flags: &[&str]) -> Self {
        Self::of(command("serve").args(bundles).args(flags))
    }

    /// The same of one file or directory.
    pub(crate) fn of_one(bundle: &Path, flags: &[&str]) -> Self {
        Self::start(&[bundle.to_owned()], flags)
    }

    /// This command, once it is ready.
    pub(crate) fn of(run: Run) -> Self {
        let running = run.args(["--listen", "127.0.0.1:0"]).limit(Duration::from_secs(120)).spawn();
        running.wait_for_stdout("serving ");
        let said = running.stdout();
        let url = said.split("serving ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a url");
        let host = url.rsplit("//").next().expect("a host").to_owned();
        Self { running, host }
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Its end, which it was asked for.
    pub(crate) fn ended(self) -> Output {
        self.running.wait()
    }

    /// Asks for its end.
    pub(crate) fn stop(self) -> Output {
        self.running.terminate();
        self.running.wait()
    }

    /// Asks for this path with these headers.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        call(method, &format!("http://{}{path}", self.host), headers, b"")
    }

    /// The same without any.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// A counter of `/metrics`.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        let text = String::from_utf8(self.get("/metrics").body).expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("bundle_serve_{name} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name}: {text}"))
    }

    /// A connection of one's own.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
        stream
    }

    /// Sends this as it is, and reads all that comes back until the other side ends it.
    pub(crate) fn raw(&self, request: &str) -> Vec<u8> {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        // A connection that is cut has said what it had to say.
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// What a client gets of this path in one connection: the head, and as much of a body as came.
    pub(crate) fn raw_get(&self, path: &str) -> (String, Vec<u8>) {
        let answer = self.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        (head, answer.get(end + 4..).unwrap_or_default().to_vec())
    }
}

/// Waits until this holds; for as long as it takes a file to count as settled, and a little.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
