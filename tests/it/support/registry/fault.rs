//! Ways to fail, and when: a rule is a [`Match`] and a [`Fault`], and all rules that match apply.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::drip::Drip;
use super::http::Response;
use super::log::Request;

/// How a connection ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// An orderly end (FIN) where there should be more.
    Close,
    /// A reset (RST).
    Reset,
}

/// What goes wrong with a request.
#[derive(Clone)]
pub enum Fault {
    /// This answer instead; the request has no effect. Its body is read first.
    Status {
        /// The status code.
        code: u16,
        /// Further headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The request has no effect and no answer: the connection is cut once its body was read.
    Reset,
    /// The request takes effect, but its answer never arrives: the connection is cut.
    LoseAnswer,
    /// The request takes effect, and nothing is answered until the registry is released or dropped.
    NeverAnswer,
    /// The connection is cut after this many bytes of the answer's body.
    CutBodyAfter(u64, Cut),
    /// The connection is reset after this many bytes of the request's body.
    CutUploadAfter(u64),
    /// Nothing more of the request's body is read after this many bytes, until released.
    StallUploadAfter(u64),
    /// Nothing more is sent after this many bytes of the answer's body, until released.
    StallAfter(u64),
    /// The answer's body comes at this many bytes a second.
    Rate(u64),
    /// Part of the answer comes a byte at a time, this far apart, and never ends; without any time
    /// between, as fast as it can.
    Drip(Drip, Duration),
    /// The byte at this place of the answer's body has its lowest bit flipped.
    FlipByte(u64),
    /// `Content-Length` is off by this much, and the connection closed after the true body.
    WrongLength(i64),
    /// The answer's body is another one, consistently.
    Body(Vec<u8>),
    /// The answer's body ends after this many bytes, consistently: a truncated copy.
    Truncate(u64),
    /// The answer's body never ends.
    Endless,
    /// No `Content-Length`: chunks.
    Chunked,
    /// No `Content-Length`: the end of the connection is the end of the body.
    UntilClose,
    /// `Range` is ignored: the answer is 200 and everything.
    IgnoreRange,
    /// The body of a 206 starts this many bytes off what `Content-Range` says.
    ShiftRange(i64),
    /// `Content-Range` claims this.
    LyingContentRange(String),
    /// A redirect; `{path}` in the address stands for path and query of the request.
    Redirect(u16, String),
    /// This header is added to the answer, or put in the place of the one there.
    Header(String, String),
    /// The answer lacks this header.
    NoHeader(String),
    /// What HEAD answers, and the length it claims.
    HeadSays {
        /// The status code.
        status: u16,
        /// The claimed length; without one there is no `Content-Length`.
        length: Option<u64>,
    },
    /// A request with `Range` is answered with this status.
    RefuseRange(u16),
    /// A request with `Expect` is answered with this status, before its body.
    RefuseExpect(u16),
    /// A mount is answered 202 with an upload session.
    RefuseMount,
    /// A body on PUT, or on POST with `?digest=`, is answered with this status; PATCH goes through.
    RefuseMonolithic(u16),
    /// A body longer than this is answered 413.
    MaxBody(u64),
    /// The connection is closed after the answer without saying so before.
    CloseAfter,
    /// Waits this long before it does anything.
    Wait(Duration),
    /// Waits a random time of at most this long before it does anything.
    Delay(Duration),
    /// Whatever else: changes the answer before it is sent.
    Change(Arc<dyn Fn(&mut Response) + Send + Sync>),
}

impl Fault {
    /// An answer with an error body.
    pub fn error(code: u16, name: &str, message: &str) -> Self {
        let body = serde_json::json!({"errors": [{"code": name, "message": message}]});
        let headers = vec![("Content-Type".into(), "application/json".into())];
        Self::Status { code, headers, body: body.to_string().into_bytes() }
    }

    /// An answer with an empty body.
    pub fn status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: Vec::new() }
    }

    /// An answer with an empty body and one header, such as `Retry-After`.
    pub fn status_with(code: u16, name: &str, value: &str) -> Self {
        Self::Status { code, headers: vec![(name.into(), value.into())], body: Vec::new() }
    }

    /// Puts a header into the answer, in place of one that may be there.
    pub fn header(name: &str, value: &str) -> Self {
        Self::Header(name.into(), value.into())
    }

    /// `Docker-Content-Digest` claims this.
    pub fn content_digest(lie: &str) -> Self {
        Self::header("Docker-Content-Digest", lie)
    }

    /// Makes a new `Location` from the one that would be answered.
    pub fn location(change: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::change(move |response| {
            if let Some(old) = response.header("Location").map(str::to_owned) {
                response.set("Location", change(&old));
            }
        })
    }

    /// The request takes effect, and this is what is answered all the same, as by a proxy that waited no
    /// longer.
    pub fn answered_all_the_same(code: u16) -> Self {
        Self::change(move |response| {
            *response = Response::new(code).content("text/html", b"<h1>gateway</h1>".to_vec().into());
        })
    }

    /// Changes the answer in any way.
    pub fn change(change: impl Fn(&mut Response) + Send + Sync + 'static) -> Self {
        Self::Change(Arc::new(change))
    }
}

/// Which requests a fault befalls.
#[derive(Clone, Debug)]
pub struct Match {
    method: Option<String>,
    part: String,
    skip: usize,
    times: usize,
}

impl Match {
    /// Every request.
    pub fn any() -> Self {
        Self { method: None, part: String::new(), skip: 0, times: usize::MAX }
    }

    /// Requests with this method (`*`: any) and this text somewhere in path and query.
    pub fn on(method: &str, part: &str) -> Self {
        let method = (method != "*").then(|| method.to_owned());
        Self { method, part: part.into(), ..Self::any() }
    }

    /// Only the `n`th of them, counted from 1.
    pub fn nth(self, n: usize) -> Self {
        self.after(n - 1).times(1)
    }

    /// Not the first `n` of them.
    pub fn after(self, n: usize) -> Self {
        Self { skip: n, ..self }
    }

    /// At most this many of them.
    pub fn times(self, n: usize) -> Self {
        Self { times: n, ..self }
    }

    /// Only the first of them.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// How many it is about at most.
    pub fn most(&self) -> usize {
        self.times
    }

    /// Whether it is about this request.
    pub fn covers(&self, request: &Request) -> bool {
        self.method.as_ref().is_none_or(|method| *method == request.method) && request.target().contains(&self.part)
    }
}

type Hook = Arc<dyn Fn(&Request) -> Option<Fault> + Send + Sync>;

/// The rules in force.
#[derive(Default)]
pub struct Rules {
    rules: Mutex<Vec<(Match, Fault, usize)>>,
    hook: Mutex<Option<Hook>>,
}

impl Rules {
    pub fn add(&self, matching: Match, fault: Fault) {
        self.rules.lock().expect("rules").push((matching, fault, 0));
    }

    pub fn intercept(&self, hook: Hook) {
        *self.hook.lock().expect("hook") = Some(hook);
    }

    pub fn clear(&self) {
        self.rules.lock().expect("rules").clear();
        *self.hook.lock().expect("hook") = None;
    }

    /// The faults that befall this request; counts it.
    pub fn befall(&self, request: &Request) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (matching, fault, seen) in self.rules.lock().expect("rules").iter_mut() {
            if matching.covers(request) {
                *seen += 1;
                if *seen > matching.skip && *seen - matching.skip <= matching.times {
                    faults.push(fault.clone());
                }
            }
        }
        let hook = self.hook.lock().expect("hook").clone();
        faults.extend(hook.and_then(|hook| hook(request)));
        faults
    }
}
