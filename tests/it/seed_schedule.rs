//! What goes wrong in a run of the random schedules, by seed, and how the run may end because of it.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;

use crate::support::registry::{Cut, Fault, Match, Registry};

/// What a seed makes go wrong.
pub(crate) struct Schedule {
    pub(crate) rng: Rng,
    /// The registries refuse manifests whose content they lack.
    pub(crate) strict: bool,
    pub(crate) said: Vec<String>,
    /// How often something fails for now, at most.
    hits: usize,
    /// Somebody says no for good; content is wrong.
    refuses: bool,
    corrupts: bool,
    /// Only one thing goes wrong.
    pub(crate) alone: bool,
    /// A registry takes few connections.
    pub(crate) limited: bool,
    silent: bool,
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let strict = rng.bool();
        Self {
            rng,
            strict,
            said: Vec::new(),
            hits: 0,
            refuses: false,
            corrupts: false,
            alone: false,
            limited: false,
            silent: false,
        }
    }

    /// What goes wrong from here on is all that does.
    pub(crate) fn begin_anew(&mut self) {
        (self.hits, self.refuses, self.corrupts) = (0, false, false);
    }

    /// How a run may end: well, unless there is a reason for the other way.
    pub(crate) fn exits(&self) -> Vec<i32> {
        let may = [(true, 0), (self.hits > 2 || self.refuses, 1), (self.corrupts, 3), (self.refuses, 4)];
        may.iter().filter(|(may, _)| *may).map(|(_, code)| *code).collect()
    }

    /// Befalls only whoever asks for a part of something.
    pub(crate) fn refuse_ranges(&mut self, registry: &Registry) {
        let status = [400, 403, 404, 405, 412, 416, 429, 500, 501, 503][self.rng.usize(..10)];
        let resets = self.rng.u8(..4) == 0;
        self.said.push(format!("then ranges are answered {}", if resets { 0 } else { status }));
        registry.intercept(move |request| {
            let asks = request.header("Range").is_some();
            asks.then(|| if resets { Fault::Reset } else { Fault::status(status) })
        });
    }

    fn choose<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.rng.usize(..from.len())]
    }

    fn matching(&mut self, methods: &[&'static str]) -> Match {
        let method = self.choose(methods);
        let part = self.choose(&["", "/manifests/", "/blobs/", "org/one", "org/two", "org/list", "/token"]);
        let (skip, times) = (self.rng.usize(0..4), self.choose_times());
        self.said.push(format!("{method} *{part}* after {skip}, {times} times:"));
        Match::on(method, part).after(skip).times(times)
    }

    /// Mostly something that passes.
    fn choose_times(&mut self) -> usize {
        match self.rng.u8(..10) {
            0 => usize::MAX,
            n => 1 + usize::from(n % 4),
        }
    }

    fn harm(&mut self, registry: &Registry, matching: Match, name: &str, fault: Fault) {
        self.said.push(name.to_owned());
        self.take_note(name, matching.most());
        registry.fault(matching, fault);
    }

    fn take_note(&mut self, name: &str, times: usize) {
        let harmless = [
            "no mounts",
            "mounts unknown",
            "chunks only",
            "at most 4 MiB",
            "HEAD says empty",
            "HEAD says 0",
            "HEAD is",
            "range lies",
            "ignored range",
            "no ranges",
            "chunked",
            "delay",
            "no Expect",
            "no PATCH",
        ];
        if harmless.iter().any(|harmless| name.starts_with(harmless)) {
            return;
        }
        // Who is told that something arrived does not send it again in this run.
        let times = if name == "HEAD says yes" { usize::MAX } else { times };
        self.hits = self.hits.saturating_add(times);
        // The first request of an upload may be met by what is meant for the others, and a token may be
        // cut short.
        let says_no = ["400", "401", "403", "404", "session lost", "stale session", "a proxy's 400", "wrong length"];
        self.refuses |= says_no.contains(&name);
        self.corrupts |= ["flip", "truncated", "shifted", "wrong length"].iter().any(|kind| name.starts_with(kind));
    }

    /// What can befall any request.
    fn general(&mut self) -> (String, Fault) {
        let status = [408, 429, 500, 502, 503, 504, 401, 403, 404, 400][self.rng.usize(..10)];
        let how = if self.rng.bool() { Cut::Close } else { Cut::Reset };
        let at = self.rng.u64(0..60_000);
        match self.rng.u8(..10) {
            0..3 => (format!("{status}"), Fault::error(status, "UNAVAILABLE", "not now")),
            3 => ("429 with a pause".into(), Fault::status_with(429, "Retry-After", "0")),
            4 => ("reset".into(), Fault::Reset),
            5 => ("lost answer".into(), Fault::LoseAnswer),
            6 => (format!("{how:?} at {at}"), Fault::CutBodyAfter(at, how)),
            7 => ("close after".into(), Fault::CloseAfter),
            8 => (
                "503 from a proxy".into(),
                Fault::Status { code: 503, headers: vec![], body: b"<h1>sorry</h1>".into() },
            ),
            _ => ("delay".into(), Fault::Delay(Duration::from_millis(30))),
        }
    }

    pub(crate) fn harm_source(&mut self, registry: &Registry) {
        let matching = self.matching(&["GET", "*"]);
        let at = self.rng.u64(0..80_000);
        let kind = self.rng.u8(..14);
        let status = [400, 403, 404, 416, 500, 501][self.rng.usize(..6)];
        // Each silence takes a second, so there are few.
        let matching = if kind == 2 { matching.times(3) } else { matching };
        let (name, fault) = match kind {
            0 => (format!("flip {at}"), Fault::FlipByte(at)),
            1 => (format!("truncated at {at}"), Fault::Truncate(at)),
            2 => (format!("stall at {at}"), Fault::StallAfter(at)),
            3 => ("ignored range".into(), Fault::IgnoreRange),
            4 => ("shifted range".into(), Fault::ShiftRange(-3)),
            5 => ("wrong length".into(), Fault::WrongLength(self.rng.i64(-5..50))),
            6 => ("chunked".into(), Fault::Chunked),
            7 | 8 => (format!("no ranges: {status}"), Fault::RefuseRange(status)),
            _ => self.general(),
        };
        self.harm(registry, matching, &name, fault);
    }

    pub(crate) fn harm_target(&mut self, registry: &Registry) {
        let at = self.rng.u64(0..90_000);
        let bodies = [Match::on("PUT", "/blobs/uploads/"), Match::on("PATCH", ""), Match::on("*", "/blobs/uploads/")];
        let body = bodies[self.rng.usize(..3)].clone().after(self.rng.usize(0..4)).times(self.choose_times());
        let closing = Match::on("PUT", "/blobs/uploads/").after(self.rng.usize(0..4)).times(self.choose_times());
        let gateway = [500, 502, 503, 504][self.rng.usize(..4)];
        let (name, matching, fault) = match self.rng.u8(..24) {
            0 => ("no mounts", Match::on("POST", "mount="), Fault::RefuseMount),
            1 => ("chunks only", Match::any(), Fault::RefuseMonolithic(404)),
            2 => ("at most 4 MiB", Match::any(), Fault::MaxBody(4 << 20)),
            3 => ("cut upload", body, Fault::CutUploadAfter(at)),
            4 => ("cut upload once", body.times(1), Fault::CutUploadAfter(at)),
            5 => ("session lost", body, Fault::error(404, "BLOB_UPLOAD_UNKNOWN", "who")),
            6 => ("stale session", body, Fault::status(416)),
            7 => ("HEAD says empty", Match::on("HEAD", "").times(3), Fault::HeadSays { status: 200, length: Some(0) }),
            // Who claims to have what it has not, and takes all that needs it, cannot be helped.
            8 if self.strict => {
                ("HEAD says yes", Match::on("HEAD", "/blobs/").times(2), Fault::HeadSays { status: 200, length: None })
            }
            9 => ("HEAD is not known", Match::on("HEAD", ""), Fault::status(405)),
            11 => ("commit, and a proxy's answer", closing, Fault::answered_all_the_same(gateway)),
            12 => ("commit, and no answer", closing, Fault::LoseAnswer),
            // With another fault it would have no effect, and with few connections nobody could ask
            // meanwhile: then a quarter of an hour is waited.
            13 if self.alone && !self.limited => {
                self.silent = true;
                ("commit, and silence", closing.times(2), Fault::NeverAnswer)
            }
            14 => ("no Expect", Match::any(), Fault::RefuseExpect(417)),
            15 => ("conflict", body, Fault::error(409, "CONFLICT", "another is at it")),
            16 => ("a proxy's 400", body, Fault::status(400)),
            17 => ("mounts unknown", Match::on("POST", "mount="), Fault::status(405)),
            18 => ("HEAD says 0 for all", Match::on("HEAD", "/blobs/"), Fault::header("Content-Length", "0")),
            10 => ("range lies", Match::on("GET", "/blobs/uploads/"), Fault::header("Range", "0-99")),
            _ => {
                let matching = self.matching(&["GET", "HEAD", "PUT", "POST", "PATCH", "*"]);
                let (name, fault) = self.general();
                return self.harm(registry, matching, &name, fault);
            }
        };
        self.harm(registry, matching, name, fault);
    }

    /// Loses all upload sessions that were in use, up to three times, as restarts do.
    pub(crate) fn restart(&mut self, registry: &Registry) {
        if self.rng.u8(..4) > 0 || self.silent {
            return;
        }
        let every = self.rng.usize(8..40);
        self.hits = usize::MAX;
        self.said.push(format!("a restart every {every} requests"));
        let sessions = Mutex::new(Restarts::default());
        registry.intercept(move |request| {
            let mut sessions = sessions.lock().expect("sessions");
            sessions.requests += 1;
            if sessions.requests.is_multiple_of(every) && sessions.requests <= 3 * every {
                let used = std::mem::take(&mut sessions.used);
                sessions.lost.extend(used);
            }
            let (_, session) = request.path.split_once("/blobs/uploads/").filter(|(_, id)| !id.is_empty())?;
            sessions.used.insert(session.into());
            sessions.lost.contains(session).then(|| Fault::error(404, "BLOB_UPLOAD_UNKNOWN", "restarted"))
        });
    }
}

#[derive(Default)]
struct Restarts {
    requests: usize,
    used: HashSet<String>,
    lost: HashSet<String>,
}
