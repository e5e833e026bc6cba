//! What a client says of the copy that it has, and the part that it wants (RFC 9110 sections 13 and 14).

use std::ops::Range;

use hyper::HeaderMap;
use hyper::header::{IF_NONE_MATCH, IF_RANGE, RANGE};

use crate::oci::Digest;

/// What is wanted of some content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    Part(Range<u64>),
    /// Bytes that are not there.
    NoSuchPart,
}

/// The tag that names this version, which is the only one there can be.
pub(super) fn etag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the client has it already.
pub(super) fn is_known(headers: &HeaderMap, digest: &Digest) -> bool {
    let own = etag(digest);
    let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        // Some clients leave the quotes out.
        tag == "*" || tag == own || tag == digest.as_str()
    })
}

/// The part that is wanted of content of this length. What is no range, or several, is answered with all of it.
pub(super) fn part(headers: &HeaderMap, digest: &Digest, size: u64) -> Wanted {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(range) = text(RANGE) else { return Wanted::All };
    if text(IF_RANGE).is_some_and(|tag| tag != etag(digest)) {
        return Wanted::All;
    }
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    let range = match (first, last) {
        ("", last) => number(last).map(|length| size.saturating_sub(length)..size),
        (first, "") => number(first).map(|first| first..size),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(first..last.saturating_add(1).min(size)),
            _ => None,
        },
    };
    match range {
        None => Wanted::All,
        Some(range) if range.start >= range.end => Wanted::NoSuchPart,
        Some(range) => Wanted::Part(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: hyper::header::HeaderName, value: &str) -> HeaderMap {
        [(name, value.parse().expect("a value"))].into_iter().collect()
    }

    #[test]
    fn a_range_is_of_bytes_that_are_there() {
        let digest = Digest::sha256(b"");
        for (range, wanted) in [
            ("bytes=0-9", Wanted::Part(0..10)),
            ("bytes=5-", Wanted::Part(5..10)),
            ("bytes=5-99", Wanted::Part(5..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=9-9", Wanted::Part(9..10)),
            ("bytes=10-", Wanted::NoSuchPart),
            ("bytes=10-11", Wanted::NoSuchPart),
            ("bytes=-0", Wanted::NoSuchPart),
            ("bytes=5-4", Wanted::All),
            ("bytes=1-2,4-5", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("items=0-1", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=0-18446744073709551615", Wanted::Part(0..10)),
        ] {
            assert_eq!(part(&headers(RANGE, range), &digest, 10), wanted, "{range}");
        }
    }

    #[test]
    fn what_the_client_has_is_known_by_its_digest() {
        let digest = Digest::sha256(b"");
        for (tags, known) in [
            (etag(&digest), true),
            (format!("W/{}", etag(&digest)), true),
            (format!("\"x\", {}", etag(&digest)), true),
            (digest.to_string(), true),
            ("*".into(), true),
            (format!("\"sha256:{}\"", "0".repeat(64)), false),
        ] {
            assert_eq!(is_known(&headers(IF_NONE_MATCH, &tags), &digest), known, "{tags}");
        }
    }
}
