//! What an answer says: its body where it is an answer, an error where it is none.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::coding::decoded;
use super::error_body::{MAX_ERROR_BODY, code_and_message, page_title};
use super::exchange::Response;
use super::failed::answered;
use crate::error::{Error, NextStep, Result};

/// How gzip begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// As much of a blob tells what it is, in bytes.
const LOOK_AHEAD: u64 = 64 << 10;

impl Response {
    /// The whole body, which is a document for programs.
    ///
    /// # Errors
    /// As for [`Response::bytes`], and when it is a page for people.
    pub(crate) fn body(&mut self, most: u64) -> Result<Vec<u8>> {
        let bytes = self.bytes(most)?;
        match page_title(&bytes) {
            Some(title) => Err(self.is_no_registrys(&title)),
            None => Ok(bytes),
        }
    }

    /// The whole body, whatever it is, without codings that nobody asked for.
    ///
    /// # Errors
    /// When it breaks off, is longer than `most` bytes, or is not coded as it says.
    pub(crate) fn bytes(&mut self, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_small(most + 1, self.idle, &mut bytes).map_err(|e| answered(e, &self.shown))?;
        if bytes.len() as u64 <= most {
            let codings = self.header("content-encoding").unwrap_or_default();
            bytes = decoded(bytes, codings, most).map_err(|e| {
                let coding = codings.escape_debug();
                Error::content(format!("{}: its Content-Encoding is `{coding}`: {e}", self.shown))
            })?;
        }
        if bytes.len() as u64 > most {
            return Err(Error::content(format!("{}: the answer is longer than {most} bytes", self.shown)));
        }
        Ok(bytes)
    }

    /// The same answer with the content of a blob as it is, where a coding was put on it on the way. Blobs are
    /// gzip themselves as a rule (`is_gzip`), and storage may state that as a coding of theirs: what holds no gzip
    /// within gzip is such a blob, unless its length says otherwise.
    ///
    /// # Errors
    /// When the body breaks off.
    pub(crate) fn uncoded(mut self, is_gzip: bool) -> Result<Self> {
        let coding = self.header("content-encoding").unwrap_or_default();
        if self.status != 200 || !matches!(coding.trim(), "gzip" | "x-gzip") {
            return Ok(self);
        }
        let mut start = Vec::new();
        self.read_small(LOOK_AHEAD, self.idle, &mut start).map_err(|e| answered(e, &self.shown))?;
        let mut within = [0; 2];
        // A stated length is that of what comes, and not the blob's.
        let is_sure = self.length().is_some() || !is_gzip;
        let is_coded = MultiGzDecoder::new(&*start).read_exact(&mut within).is_ok() && (within == GZIP || is_sure);
        let rest = std::mem::replace(&mut self.body, Box::new(io::empty()));
        let whole = io::Cursor::new(start).chain(rest);
        self.body = if is_coded { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        if is_coded {
            self.headers.remove("content-length");
        }
        Ok(self)
    }

    /// The title of a page for people that came in place of an answer.
    pub(crate) fn page(&mut self) -> Option<String> {
        let kind = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !(200..300).contains(&self.status) || !kind.eq_ignore_ascii_case("text/html") {
            return None;
        }
        Some(page_title(&self.said()).unwrap_or_default())
    }

    /// Refuses a page for people that came with status 200, where no body says better what it is: the login page
    /// of a network answers whatever is asked.
    ///
    /// # Errors
    /// When it is one.
    pub(crate) fn is_no_page(&mut self) -> Result<()> {
        self.page().map_or(Ok(()), |title| Err(self.is_no_registrys(&title)))
    }

    fn is_no_registrys(&self, title: &str) -> Error {
        // HEAD brings no title, but the first contact may have.
        let known = self.doubt.as_ref().map(|doubt| doubt.title.as_str()).unwrap_or_default();
        let title = match if title.is_empty() { known } else { title } {
            "" => String::new(),
            title => format!(": «{title}»"),
        };
        let reason = format!("{}: this is not a registry's answer (HTML{title})", self.placed());
        Error::refused(reason, NextStep::CheckAddressAndProxy)
    }

    /// This answer as an error.
    pub(crate) fn failure(&mut self, shown: &str) -> Error {
        let mut bytes = self.said();
        if let Ok(plain) = decoded(bytes.clone(), self.header("content-encoding").unwrap_or_default(), MAX_ERROR_BODY) {
            bytes = plain;
        }
        if let (200..300, Some(title)) = (self.status, page_title(&bytes)) {
            return self.is_no_registrys(&title);
        }
        // Go's server and nginx say so in their own words, and in no form of an error.
        let text = String::from_utf8_lossy(&bytes);
        self.wants_tls = self.status == 400 && text.contains("HTTP request") && text.contains("HTTPS");
        let (code, mut message) = code_and_message(&bytes);
        let by_itself = code.is_empty();
        // Whoever is busy, or fails, may well be one.
        let is_proxys = by_itself && self.by_proxy.is_some() && self.status == 403;
        let doubt = self.doubt.as_ref().filter(|_| by_itself && matches!(self.status, 300..=407 | 409..=428));
        // A proxy that forbids it says so of itself.
        let doubt = doubt.filter(|_| !is_proxys);
        if let Some(doubt) = doubt {
            let doubt = &doubt.answer;
            message = if message.is_empty() { doubt.clone() } else { format!("{message}; {doubt}") };
        }
        let request = if self.is_registry { shown.to_owned() } else { self.shown.clone() };
        let request = match &self.by_proxy {
            Some(proxy) => format!("through the proxy {proxy}: {request}"),
            None => request,
        };
        let mut failure = Error::Status { request, status: self.status, code, message };
        if is_proxys {
            failure = failure.advised([NextStep::CheckProxy]);
        } else if by_itself && self.by_proxy.is_some() && matches!(self.status, 502..=504) {
            failure = failure.or_else_do(NextStep::CheckProxy);
        }
        if doubt.is_some() {
            failure = failure.or_else_do(NextStep::CheckHost);
        }
        match self.whose.take() {
            Some(whose) => whose.explain(failure),
            None => failure,
        }
    }

    /// What there is of a body that explains a failure. What cannot be read of it is left away.
    fn said(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.read_small(MAX_ERROR_BODY, self.idle, &mut bytes);
        bytes
    }

    /// What was asked, and through whom.
    fn placed(&self) -> String {
        match &self.by_proxy {
            Some(proxy) => format!("through the proxy {proxy}: {}", self.shown),
            None => self.shown.clone(),
        }
    }
}
