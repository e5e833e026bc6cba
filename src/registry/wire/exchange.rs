//! One request and its answer on the wire, without any policy.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ureq::SendBody;
use ureq::http::{self, HeaderMap};
use url::Url;

pub(crate) use ureq::http::Method;

use super::clock::{CONNECT_TIMEOUT, Deadline};
use super::error_body::MAX_ERROR_BODY;
use super::exact::{Exact, Unread};
use super::failed::{answered, failed};
use super::gate::Permit;
use super::origin::shown;
use super::pace::{Limiter, Pace};
use super::proxy::Via;
use super::whose::Whose;
use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::store::{Content, Event, Watch};

/// Storage behind a registry may take minutes to finish an upload.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// For what is left of an answer that nobody wants to read: it only saves a connection.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// A small body is waited for as long as it comes at least this fast, in bytes per second, after the idle
/// timeout.
const SLOWEST_BODY: u64 = 4 << 10;
/// Bodies from this length (bytes) on ask first whether they are wanted: an early refusal during a
/// body would break the connection and lose the answer.
const ASK_FIRST: u64 = 1 << 20;

/// What a request carries.
pub(crate) enum Body<'a> {
    /// Nothing, not even a length.
    None,
    /// Bytes in memory; an empty slice says `Content-Length: 0`.
    Bytes(&'a [u8]),
    /// `len` bytes of a blob from `offset` on.
    Content { content: &'a mut dyn Content, offset: u64, len: u64 },
}

/// A request that may be sent several times.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body<'a>,
    /// Over a connection of its own.
    pub(crate) alone: bool,
    /// Storage may take long before it is answered: it closes an upload.
    pub(crate) commits: bool,
    /// Whoever sends it has leave to already.
    pub(crate) has_leave: bool,
    /// Counts the bytes of the body that went out.
    pub(crate) moved: Option<Arc<AtomicU64>>,
    /// What came in the way of reading the content that is sent.
    pub(crate) unread: Unread,
    /// Where it is redirected to another host, whatever comes of that is its answer.
    pub(crate) optional: bool,
    /// Once, whatever comes of it.
    pub(crate) once: bool,
    /// It brings content in: a conflict passes, and so does a 400 that no registry wrote.
    pub(crate) writes: bool,
    /// Method and path, for messages.
    pub(crate) shown: String,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        let shown = format!("{method} {}", url.path());
        Self {
            method,
            url,
            headers: Vec::new(),
            body: Body::None,
            alone: false,
            commits: false,
            has_leave: false,
            moved: None,
            unread: Unread::default(),
            optional: false,
            once: false,
            writes: false,
            shown,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: Body<'a>) -> Self {
        self.body = body;
        self
    }

    /// Whether it can be sent again without knowing what became of it: an upload session whose
    /// body broke off has to be asked first.
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self.body, Body::Content { .. })
    }

    /// Whether some of its content went out already.
    pub(crate) fn has_moved(&self) -> bool {
        self.moved.as_ref().is_some_and(|moved| moved.load(Ordering::Relaxed) > 0)
    }

    /// Whether it asks first if its body is wanted, where the host takes that.
    pub(crate) fn asks_first(&self) -> bool {
        matches!(self.body, Body::Content { len, .. } if len >= ASK_FIRST)
    }

    /// Makes ready to be sent again.
    pub(crate) fn rewind(&mut self) -> Result<()> {
        match &mut self.body {
            Body::Content { content, offset, .. } => content.seek_to(*offset).map_err(|e| self.unread.note(e)),
            _ => Ok(()),
        }
    }
}

/// Everything needed to send one request once.
pub(crate) struct Exchange<'a> {
    pub(crate) agent: &'a ureq::Agent,
    pub(crate) host: &'a str,
    pub(crate) url: &'a Url,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) idle: Duration,
    pub(crate) watch: &'a Arc<dyn Watch>,
    pub(crate) limiter: Option<&'a Arc<Limiter>>,
    pub(crate) via: Option<Via>,
    /// The host takes `Expect`.
    pub(crate) expects: bool,
}

impl Exchange<'_> {
    pub(crate) fn send(&self, request: &mut Request<'_>) -> Result<Response> {
        let answer = self.send_quietly(request);
        let line = match &answer {
            Ok(response) => format!("{}: {}", response.shown, response.status),
            Err(e) => e.to_string(),
        };
        self.watch.on(Event::Request { host: self.host, line: &line });
        answer
    }

    fn send_quietly(&self, request: &mut Request<'_>) -> Result<Response> {
        let mut builder = http::Request::builder().method(request.method.clone()).uri(self.url.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        // Registries that compress would break both length and digest.
        builder = builder.header("accept-encoding", "identity");
        if let Some(authorization) = self.authorization {
            builder = builder.header("authorization", authorization);
        }
        let unusable = |e: http::Error| Error::Network { request: request.shown.clone(), reason: e.to_string() };
        let patience = if request.commits { COMMIT_TIMEOUT.max(self.idle) } else { self.idle };
        // A request without a body, or with a small one, is sent, and its answer begun, within this. A long one
        // takes it away.
        let small = match &request.body {
            Body::Bytes(bytes) => slow(bytes.len() as u64),
            Body::None | Body::Content { .. } => Duration::ZERO,
        };
        let _deadline = Deadline::after(2 * CONNECT_TIMEOUT + patience + small);
        let patience = Some(patience);
        let pace = || Pace::new(self.limiter.cloned(), self.watch.clone(), self.idle);
        let proxy = || self.via.as_ref().map(|via| via.proxy.clone());
        let asks_first = self.expects && request.asks_first();
        let answer = match &mut request.body {
            Body::None => {
                let ready = builder.body(()).map_err(unusable)?;
                self.agent.run(self.agent.configure_request(ready).proxy(proxy()).build())
            }
            Body::Bytes(bytes) => {
                let ready = builder.header("content-length", bytes.len()).body(*bytes).map_err(unusable)?;
                let ready = self.agent.configure_request(ready).timeout_per_read(patience);
                self.agent.run(ready.timeout_recv_response(patience).proxy(proxy()).build())
            }
            Body::Content { content, len, .. } => {
                builder = builder.header("content-length", *len);
                if asks_first {
                    builder = builder.header("expect", "100-continue");
                }
                request.moved.iter().for_each(|moved| moved.store(0, Ordering::Relaxed));
                let moved = request.moved.as_deref();
                let mut exact = Exact::new(*content, *len, (moved, &request.unread), pace());
                let ready = builder.body(SendBody::from_reader(&mut exact)).map_err(unusable)?;
                let ready = self.agent.configure_request(ready).timeout_per_read(patience);
                self.agent.run(ready.timeout_recv_response(patience).proxy(proxy()).build())
            }
        };
        let via = self.via.as_ref().map(|via| (via, self.url));
        let response = answer.map_err(|e| failed(e, self.host, via, &request.shown))?;
        let (parts, body) = response.into_parts();
        let body = Box::new(body.into_reader());
        let shown = if request.url == *self.url {
            request.shown.clone()
        } else {
            format!("{} {}", request.method, shown(self.url))
        };
        let by_proxy = self.via.as_ref().filter(|via| via.answers(self.url)).map(|via| via.name.clone());
        if let (Some(proxy), 407) = (&by_proxy, parts.status.as_u16()) {
            return Err(Error::Proxy { proxy: proxy.to_string(), reason: format!("{shown}: 407"), status: Some(407) });
        }
        Ok(Response {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            by_proxy,
            doubt: None,
            is_registry: true,
            wants_tls: false,
            whose: None,
            shown,
            permit: None,
            idle: self.idle,
            pace: pace(),
        })
    }
}

/// How long so many bytes take on a line that is slow and not dead.
fn slow(bytes: u64) -> Duration {
    Duration::from_millis(bytes * 1000 / SLOWEST_BODY)
}

/// Why whoever answers may be no registry.
#[derive(Debug, Default)]
pub(crate) struct Doubt {
    /// What the first contact was answered.
    pub(crate) answer: String,
    /// The title of the page that came, if one did.
    pub(crate) title: String,
}

/// An answer. Reading it gives the body, with errors in our terms.
pub(crate) struct Response {
    /// What was asked without TLS was answered by something that speaks nothing else.
    pub(crate) wants_tls: bool,
    /// With whose credentials it was asked for, where that was refused.
    pub(crate) whose: Option<Whose>,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(super) body: Box<dyn Read + Send>,
    /// It came through a proxy that may have answered by itself.
    pub(super) by_proxy: Option<Arc<str>>,
    pub(crate) doubt: Option<Arc<Doubt>>,
    /// It came from the registry itself, not from where it redirected to.
    pub(crate) is_registry: bool,
    pub(super) shown: String,
    /// Counts as in flight until the body is read, drained or broken, or this is dropped.
    permit: Option<Permit>,
    pub(super) idle: Duration,
    pace: Pace,
}

impl Response {
    pub(crate) fn with(mut self, permit: Option<Permit>) -> Self {
        self.permit = permit;
        self
    }

    /// The first header of this name, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The stated length of the body; for HEAD, of what a GET would bring.
    pub(crate) fn length(&self) -> Option<u64> {
        self.header("content-length").and_then(|v| v.parse().ok())
    }

    pub(crate) fn challenges(&self) -> Vec<String> {
        let values = self.headers.get_all("www-authenticate").iter();
        values.filter_map(|v| v.to_str().ok().map(str::to_owned)).collect()
    }

    /// An answer that another try may change. Storage behind a registry refuses links that are too
    /// old with 401 or 403: the registry has to be asked for a new one. To a HEAD it says so because
    /// the link was signed for GET.
    pub(crate) fn is_worth_repeating(&self, request: &Request<'_>) -> bool {
        match self.status {
            _ if request.optional && !self.is_registry => false,
            408 | 429 => true,
            501 | 505 | 511 => false,
            500..=599 => true,
            401 | 403 => !self.is_registry && request.method != Method::HEAD,
            409 => request.writes,
            400 => request.writes && !self.is_json(),
            _ => false,
        }
    }

    fn is_json(&self) -> bool {
        self.header("content-type").is_some_and(|stated| stated.to_ascii_lowercase().contains("json"))
    }

    /// Compares the digest that a registry gives to something with ours, where both use one algorithm.
    ///
    /// # Errors
    /// When it gives another.
    pub(crate) fn agrees(&self, digest: &Digest, shown: &str) -> Result<()> {
        let named = self.header("docker-content-digest").and_then(|d| d.parse::<Digest>().ok());
        match named.filter(|n| n.algorithm() == digest.algorithm() && n != digest) {
            Some(other) => Err(Error::Network {
                request: shown.into(),
                reason: format!("the registry took {digest}, and calls it {other}"),
            }),
            None => Ok(()),
        }
    }

    /// Reads the rest, so that the connection can be used again, and gives up the leave: whoever
    /// still holds this may have more to ask.
    pub(crate) fn drain(&mut self) {
        // What cannot be read is left away.
        let _ = self.read_small(MAX_ERROR_BODY, DRAIN_TIMEOUT.min(self.idle), &mut Vec::new());
        self.permit = None;
    }

    /// Adds up to so many bytes of the body to what is there. All of it is to be here in time, which is
    /// `limit` and what a slow line may need besides.
    pub(super) fn read_small(&mut self, most: u64, limit: Duration, bytes: &mut Vec<u8>) -> io::Result<()> {
        let start = Instant::now();
        let mut part = [0; 16 << 10];
        loop {
            let here = bytes.len() as u64;
            let want = usize::try_from(most - here).unwrap_or(usize::MAX).min(part.len());
            let _deadline = Deadline::at(start + limit + slow(here));
            match self.body.read(&mut part[..want]) {
                Ok(0) => return Ok(()),
                Ok(got) => bytes.extend_from_slice(&part[..got]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

impl Read for Response {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = {
            let _deadline = Deadline::after(self.idle);
            self.body.read(buffer)
        };
        let got = got.and_then(|got| self.pace.moved(got).map(|()| got));
        // Nothing more will come. Whoever goes on elsewhere needs leave for that while it still holds this.
        if !matches!(got, Ok(1..)) && !buffer.is_empty() {
            self.permit = None;
        }
        got.map_err(|e| answered(e, &self.shown).into())
    }
}
