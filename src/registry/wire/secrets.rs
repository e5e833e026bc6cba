//! The secrets of a run, and text without them.
//!
//! Whatever a registry or a token server was shown it can send back: in an error, a warning, an address.
//! So every text is looked through where it leaves the program, for every secret that the run came to
//! know, as it is, in base64 at any offset, and percent-coded or escaped in any part.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use data_encoding::{BASE64, BASE64URL};

/// What stands in place of a secret.
const MASK: &str = "***";
/// Shorter secrets would be found in every second word, and are guessed sooner than read, in bytes.
const SHORTEST: usize = 4;
/// In base64 they are found from this length on, in characters: shorter ones are parts of words.
const SHORTEST_CODED: usize = 6;
/// Of a longer secret its two ends are known, of this length in bytes: most tokens begin alike.
const END: usize = 32;
/// The secrets of a run that never ends do not grow without end.
const MOST: usize = 100_000;
/// What stands in the queries of addresses and is no secret.
const HARMLESS: [&str; 16] = [
    "account",
    "client_id",
    "comp",
    "digest",
    "from",
    "last",
    "mount",
    "n",
    "ns",
    "offline_token",
    "response-content-type",
    "response-content-disposition",
    "scope",
    "service",
    "tag",
    "x-amz-algorithm",
];

/// A text to look for.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Needle {
    text: Vec<u8>,
    /// It is part of a word, all of which is secret.
    is_part: bool,
}

static KNOWN: RwLock<Option<HashSet<Needle>>> = RwLock::new(None);

/// Takes note of a secret.
pub(crate) fn keep(secret: &str) {
    let mut needles = Vec::new();
    let bytes = secret.trim().as_bytes();
    if bytes.len() < SHORTEST {
        return;
    }
    if bytes.len() > 2 * END {
        let ends = [&bytes[..END], &bytes[bytes.len() - END..]];
        needles.extend(ends.map(|end| Needle { text: end.into(), is_part: true }));
    } else {
        needles.push(Needle { text: bytes.into(), is_part: false });
    }
    let coded: Vec<Needle> = needles.iter().flat_map(|needle| in_base64(&needle.text)).collect();
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if known.len() < MOST {
        known.extend(needles.into_iter().chain(coded));
    }
}

/// Takes note of what is secret in an address that a registry names, whether or not it is one: the
/// values of its query and fragment, which sign it, and a password.
pub(crate) fn keep_from_address(address: &str) {
    keep_from_authority(address);
    let (_, rest) = address.split_once(['?', '#']).unwrap_or_default();
    for pair in rest.split(['&', ';', '#', '?']) {
        let (key, value) = pair.split_once('=').unwrap_or(("", pair));
        // Short ones are numbers, days and versions.
        if value.len() >= 8 && !HARMLESS.contains(&key.to_ascii_lowercase().as_str()) {
            keep(value);
            if let Some((_, decoded)) = url::form_urlencoded::parse(pair.as_bytes()).next() {
                keep(&decoded);
            }
        }
    }
}

/// Takes note of the password of `user:password@host`, with or without a scheme. What a digest follows is
/// no user.
pub fn keep_from_authority(text: &str) {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').filter(|(_, digest)| digest.starts_with("sha")).map_or(rest, |(before, _)| before);
    let Some((userinfo, _)) = rest.rsplit_once('@').filter(|(userinfo, _)| !userinfo.contains('/')) else { return };
    // Where a scheme says that it is an address, a user without a password is a token.
    let alone = Some(userinfo).filter(|_| text.contains("://"));
    if let Some(password) = userinfo.split_once(':').map(|(_, password)| password).or(alone) {
        keep(password);
        if let Some((decoded, _)) = url::form_urlencoded::parse(password.replace('+', "%2B").as_bytes()).next() {
            keep(&decoded);
        }
    }
}

/// The characters of base64 that depend on these bytes alone, wherever they stand in what is coded.
fn in_base64(bytes: &[u8]) -> Vec<Needle> {
    let mut needles = Vec::with_capacity(6);
    for offset in 0..3 {
        let padded = [&[0; 2][..offset.min(2)], bytes].concat();
        for encoding in [&BASE64, &BASE64URL] {
            let text = encoding.encode(&padded);
            let first = [0, 2, 3][offset];
            let whole = padded.len() * 8 / 6;
            if let Some(core) = text.get(first..whole).filter(|core| core.len() >= SHORTEST_CODED) {
                needles.push(Needle { text: core.into(), is_part: true });
            }
        }
    }
    needles
}

/// A text as it may be shown: with `***` for every secret of the run.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    match &*known {
        Some(known) => hide(known, text),
        None => Cow::Borrowed(text),
    }
}

/// A JSON document as it may be shown: with `***` for every secret of the run in its strings. Names of
/// members stay.
pub fn redacted_json(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let Some(known) = &*known else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once('"') {
        let (string, after) = inside.split_at(closing_quote(inside));
        out.push_str(before);
        out.push('"');
        let is_name = after.get(1..).is_some_and(|after| after.trim_start().starts_with(':'));
        out.push_str(&if is_name { Cow::Borrowed(string) } else { hide(known, string) });
        let (quote, after) = after.split_at(after.len().min(1));
        out.push_str(quote);
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    let closes = |b: u8| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    };
    text.bytes().position(closes).unwrap_or(text.len())
}

fn hide<'a>(known: &HashSet<Needle>, text: &'a str) -> Cow<'a, str> {
    let bytes = text.as_bytes();
    let mut by_first: [Vec<&Needle>; 256] = [const { Vec::new() }; 256];
    for needle in known {
        by_first[usize::from(needle.text[0])].push(needle);
    }
    // From and to of what is hidden, in order, none in another.
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let first = decoded(&bytes[at..]).0;
        let found = by_first[usize::from(first)].iter().filter_map(|needle| {
            let end = at + match_length(&needle.text, &bytes[at..])?;
            Some(if needle.is_part { word_around(bytes, at, end) } else { (at, end) })
        });
        match found.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))) {
            Some((from, to)) => {
                while hidden.last().is_some_and(|(_, end)| *end > from) {
                    hidden.pop();
                }
                hidden.push((from, to));
                at = to;
            }
            None => at += 1,
        }
    }
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut end = 0;
    for (from, to) in hidden {
        out.extend_from_slice(&bytes[end.min(from)..from]);
        out.extend_from_slice(MASK.as_bytes());
        end = to;
    }
    out.extend_from_slice(&bytes[end..]);
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// How many bytes of the text say this, in whatever way each of them is written.
fn match_length(needle: &[u8], text: &[u8]) -> Option<usize> {
    let (mut at, mut from) = (0, 0);
    while let Some(wanted) = needle.get(from) {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (byte, length) = decoded(rest);
        let slashes = backslashes(rest);
        let own = backslashes(&needle[from..]);
        // Each time that a text is quoted its backslashes become more, and others stand before quotes.
        let quoted = rest.get(slashes) == Some(wanted);
        at += match () {
            () if *wanted == b'\\' && slashes >= own => {
                from += own - 1;
                slashes
            }
            () if byte == *wanted => length,
            () if quoted => slashes + 1,
            // A plus is a space in a query.
            () if *wanted == b' ' && rest[0] == b'+' => 1,
            () => return None,
        };
        from += 1;
    }
    Some(at)
}

fn backslashes(text: &[u8]) -> usize {
    text.iter().take_while(|b| **b == b'\\').count()
}

/// The first byte of a text, percent-coded once or twice, or escaped as in JSON or in Rust; and how long it
/// is as it is written.
fn decoded(text: &[u8]) -> (u8, usize) {
    let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    let coded = match text {
        [b'%', b'2', b'5', a, b, ..] => hex(&[*a, *b]).map(|byte| (byte, 5)),
        _ => None,
    };
    let coded = coded.or_else(|| match text {
        [b'%', a, b, ..] => hex(&[*a, *b]).map(|byte| (byte, 3)),
        [b'\\', b'u', b'0', b'0', a, b, ..] => hex(&[*a, *b]).map(|byte| (byte, 6)),
        [b'\\', b'u', b'{', a, b, b'}', ..] => hex(&[*a, *b]).map(|byte| (byte, 6)),
        [b'\\', b'x', a, b, ..] => hex(&[*a, *b]).map(|byte| (byte, 4)),
        [b'\\', b'n', ..] => Some((b'\n', 2)),
        [b'\\', b't', ..] => Some((b'\t', 2)),
        [b'\\', c @ (b'"' | b'\\' | b'/' | b'\''), ..] => Some((*c, 2)),
        _ => None,
    });
    coded.unwrap_or((text[0], 1))
}

/// The whole word that a part of it stands in: what a token is written in.
fn word_around(bytes: &[u8], mut from: usize, mut to: usize) -> (usize, usize) {
    let is_in = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=%".contains(&b);
    while from > 0 && is_in(bytes[from - 1]) {
        from -= 1;
    }
    while to < bytes.len() && is_in(bytes[to]) {
        to += 1;
    }
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one process the secrets are those of all its tests: none of these is in a text of another.
    fn shown(secret: &str, text: &str) -> String {
        keep(secret);
        redacted(text).into_owned()
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let secret = "zq\"w&9 +ü\\§x";
        let percent: String = secret.bytes().map(|b| format!("%{b:02x}")).collect();
        let twice = percent.to_uppercase().replace('%', "%25");
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::to_string(secret).expect("json");
        let ways = [
            secret.to_owned(),
            percent,
            twice,
            form,
            json.trim_matches('"').to_owned(),
            secret.escape_debug().to_string(),
            json.trim_matches('"').escape_debug().to_string(),
        ];
        for way in ways {
            let out = shown(secret, &format!("before {way} after"));
            assert_eq!(out, "before *** after", "{way}");
        }
    }

    #[test]
    fn base64_is_found_at_every_offset_and_hidden_as_a_whole() {
        let secret = "kx7-Hq2_canary";
        for before in ["", "u:", "us:", "use:", "user:"] {
            for after in ["", "!", "!!"] {
                let text = format!("{before}{secret}{after}");
                for coded in [BASE64.encode(text.as_bytes()), BASE64URL.encode(text.as_bytes())] {
                    let out = shown(secret, &format!("Basic {coded}, \"{}\"", coded.replace('=', "%3D")));
                    assert_eq!(out, "Basic ***, \"***\"", "{text}");
                }
            }
        }
    }

    #[test]
    fn a_token_is_hidden_by_its_ends_and_when_it_is_cut_short() {
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.sIgNaTuReOfThisVeryTokenAndOfNoOther", "cGF5bG9hZA".repeat(40));
        assert_eq!(shown(&token, &format!("got {token}: no")), "got ***: no");
        assert_eq!(shown(&token, &format!("got {}…", &token[..100])), "got ***…");
        assert_eq!(shown(&token, &format!("got {}, no", &token[60..])), "got ***, no");
    }

    #[test]
    fn the_strings_of_json_are_looked_through_and_its_names_are_not() {
        keep("status-qq");
        keep("q\"uoted-qq");
        let text = r#"{"status-qq":"status-qq","a":["x q\"uoted-qq y","\\"],"n" : {"status-qq" :1}}"#;
        let want = r#"{"status-qq":"***","a":["x *** y","\\"],"n" : {"status-qq" :1}}"#;
        assert_eq!(redacted_json(text), want);
        let _: serde_json::Value = serde_json::from_str(&redacted_json(text)).expect("still json");
    }

    #[test]
    fn what_signs_an_address_is_a_secret_and_what_names_things_is_none() {
        keep_from_address(
            "https://s3.example/x?X-Amz-Signature=0123abcdfeed&ns=docker.example&tiny=1#access=fragment-zz1",
        );
        keep_from_address("http://[::bad?sig=un%2Fparsed-zz2");
        keep_from_address("https://me:pass%20word-zz3@cdn.example/");
        let text = "0123abcdfeed docker.example fragment-zz1 un/parsed-zz2 un%2Fparsed-zz2 pass word-zz3";
        assert_eq!(redacted(text), "*** docker.example *** *** *** ***");
        for (text, want) in [
            ("robot:zz4-secret@r.example/a:1", "robot:***@r.example/a:1"),
            ("http://u:zz5-secret@p.example:3128", "http://u:***@p.example:3128"),
            ("r.example:5000/a@sha256:zz6-digest", "r.example:5000/a@sha256:zz6-digest"),
            ("r.example/zz7-repo:zz7-tag@sha256:0", "r.example/zz7-repo:zz7-tag@sha256:0"),
        ] {
            keep_from_authority(text);
            assert_eq!(redacted(text), want);
        }
    }

    #[test]
    fn short_secrets_and_what_is_none_change_nothing() {
        for secret in ["", "a", "abc", "   "] {
            assert_eq!(shown(secret, "a b abc"), "a b abc");
        }
    }
}
