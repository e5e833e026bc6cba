//! Content from some byte on (RFC 9110 §14), whatever the host makes of that: a range is there to save
//! bytes, and one that is refused is no refusal of the content.

use std::io::{self, Read};

use url::Url;

use super::auth::scope::Scope;
use super::capabilities::Feature;
use super::peer::Peer;
use super::transport::Transport;
use super::wire::exchange::{Method, Request, Response};
use crate::error::{Error, Kind, Result};
use crate::oci::Descriptor;

impl Transport {
    /// Opens content at byte `offset`: by a range where the host takes that, otherwise from its start.
    pub(super) fn open_at(
        &self,
        peer: &Peer,
        (url, shown): (&Url, &str),
        descriptor: &Descriptor,
        offset: u64,
        send: &dyn Fn(Request<'static>) -> Result<Response>,
    ) -> Result<Response> {
        let request = || {
            let mut request = Request::new(Method::GET, url.clone());
            request.shown = shown.to_owned();
            request
        };
        let open = |request| send(request).and_then(|response| checked(response, shown, descriptor, offset));
        if offset == 0 || !peer.takes(Feature::Range) {
            return open(request());
        }
        let error = match open(request().header("range", format!("bytes={offset}-"))) {
            Ok(response) => return Ok(response),
            Err(e) => e,
        };
        // It was repeated as often as it may be, so without an answer there is one try more.
        let unanswered = error.kind() == Kind::Transient && error.status().is_none();
        if !matches!(error.kind(), Kind::Act | Kind::Content | Kind::Transient) {
            return Err(error);
        }
        let mut plain = request();
        plain.once = unanswered;
        match open(plain) {
            Ok(response) => {
                if !unanswered {
                    peer.lacks(Feature::Range, &error.to_string(), self.watch.as_ref());
                }
                Ok(response)
            }
            Err(_) if unanswered => Err(error),
            Err(e) => Err(e),
        }
    }
}

impl Transport {
    /// A part of content, over a second connection: whoever asks has leave for the first, which waits meanwhile.
    /// None where the host gives it in another way, or not.
    pub(super) fn part(
        &self,
        peer: &Peer,
        scope: &Scope,
        url: Url,
        size: u64,
        part: std::ops::Range<u64>,
    ) -> Option<impl Read + use<>> {
        if part.is_empty() || !peer.takes(Feature::Range) {
            return None;
        }
        let last = part.end - 1;
        let mut request = Request::new(Method::GET, url).header("range", format!("bytes={}-{last}", part.start));
        request.has_leave = true;
        let response = self.send(peer, scope, request).ok()?;
        let given = response.header("content-range").and_then(range_of).filter(|_| response.status == 206);
        let fits = response.length().is_none_or(|length| length == part.end - part.start);
        // A proxy may join what it asks for into larger pieces; what is more is left there.
        (given == Some((part.start, last, size)) && fits).then(|| response.take(part.end - part.start))
    }
}

/// The answer to a request for content, standing at byte `offset`, unless it announces something else.
pub(crate) fn checked(mut response: Response, shown: &str, descriptor: &Descriptor, offset: u64) -> Result<Response> {
    let size = descriptor.size;
    if response.status == 200 && response.length() != Some(size) {
        response = response.uncoded(descriptor.media_type.as_str().ends_with("gzip"))?;
        if response.length() != Some(size) {
            response.is_no_page()?;
        }
    }
    let wrong = |what: String| Error::content(format!("{shown}: {what}"));
    let expected = match response.status {
        200 => size,
        206 if offset > 0 => {
            let header = response.header("content-range").unwrap_or_default().to_owned();
            if content_range(&header) != Some((offset, size)) {
                return Err(wrong(format!("asked for bytes {offset}- of {size}, got `{}`", header.escape_debug())));
            }
            size - offset
        }
        _ => return Err(response.failure(shown)),
    };
    if let Some(length) = response.length().filter(|length| *length != expected) {
        return Err(wrong(format!("{length} bytes announced where there should be {expected}")));
    }
    if response.status == 200 && offset > 0 {
        // The registry ignores ranges: what is known already comes again.
        let skipped = io::copy(&mut (&mut response).take(offset), &mut io::sink()).map_err(Error::from_read)?;
        if skipped < offset {
            return Err(Error::Network { request: shown.into(), reason: format!("ended after {skipped} bytes") });
        }
    }
    Ok(response)
}

/// Start and total of `bytes START-END/TOTAL`, if it goes to the end (RFC 9110 §14.4).
pub(crate) fn content_range(header: &str) -> Option<(u64, u64)> {
    let (start, end, total) = range_of(header)?;
    (end.checked_add(1)? == total && start <= end).then_some((start, total))
}

/// Start, end and total.
fn range_of(header: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    Some((start.parse().ok()?, end.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_range_up_to_the_end_counts() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, 10)));
        for other in [
            "",
            "bytes 5-8/10",
            "bytes 5-9/*",
            "bytes */10",
            "bytes 9-5/6",
            "items 5-9/10",
            "bytes 0-18446744073709551615/0",
        ] {
            assert_eq!(content_range(other), None, "{other}");
        }
    }
}
