//! The secrets of a run, and text without them.
//!
//! Whatever a registry or a token server was shown it can send back: in an error, a warning, an address.
//! So every text is looked through where it leaves the program, for every secret that the run came to
//! know, as it is, in base64 at any offset, and percent-coded or escaped in any part.

use std::borrow::Cow;
use std::collections::HashMap;
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
/// So many texts are looked for to the end of the run, since the first of them are its passwords.
const PINNED: usize = 2_000;
/// Of later ones, which are tokens that come and go, at least the last so many.
const RECENT: usize = 40_000;
/// What names things in the queries of addresses and is no secret: it stands in every line of a report. CDNs put
/// names of repositories there.
const HARMLESS: [&str; 25] = [
    "account",
    "client_id",
    "digest",
    "from",
    "host",
    "image",
    "last",
    "mount",
    "n",
    "name",
    "namespace",
    "ns",
    "region",
    "regid",
    "repo",
    "repo_name",
    "repository",
    "response-content-disposition",
    "response-content-type",
    "scope",
    "service",
    "tag",
    "user",
    "username",
    "x-amz-algorithm",
];
/// Parts of what the keys of secrets are called.
const TELLING: [&str; 14] = [
    "auth", "code", "cred", "hash", "hmac", "key", "pass", "policy", "secret", "session", "sig", "state", "token",
    "verify",
];

/// A text to look for.
#[derive(Debug, PartialEq, Eq)]
struct Needle {
    text: Vec<u8>,
    /// It is part of a word, all of which is secret.
    is_part: bool,
}

/// What is looked for, by its first byte.
#[derive(Default)]
struct Needles {
    by_first: HashMap<u8, Vec<Needle>>,
    count: usize,
}

impl Needles {
    fn contain(&self, needle: &Needle) -> bool {
        self.by_first.get(&needle.text[0]).is_some_and(|known| known.contains(needle))
    }

    fn add(&mut self, needle: Needle) {
        self.by_first.entry(needle.text[0]).or_default().push(needle);
        self.count += 1;
    }
}

/// All of a run.
#[derive(Default)]
struct Known {
    pinned: Needles,
    recent: Needles,
    older: Needles,
}

impl Known {
    fn all(&self) -> [&Needles; 3] {
        [&self.pinned, &self.recent, &self.older]
    }

    fn add(&mut self, needle: Needle) {
        if self.all().iter().any(|needles| needles.contain(&needle)) {
            return;
        }
        if self.pinned.count < PINNED {
            return self.pinned.add(needle);
        }
        if self.recent.count == RECENT {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.add(needle);
    }

    fn beginning_with(&self, first: u8) -> impl Iterator<Item = &Needle> {
        self.all().into_iter().filter_map(move |needles| needles.by_first.get(&first)).flatten()
    }
}

static KNOWN: RwLock<Option<Known>> = RwLock::new(None);

/// Takes note of a secret.
pub(crate) fn keep(secret: &str) {
    let bytes = secret.trim().as_bytes();
    if bytes.len() < SHORTEST {
        return;
    }
    let needles = if bytes.len() > 2 * END {
        let ends = [&bytes[..END], &bytes[bytes.len() - END..]];
        ends.map(|end| Needle { text: end.into(), is_part: true }).into()
    } else {
        vec![Needle { text: bytes.into(), is_part: false }]
    };
    let coded: Vec<Needle> = needles.iter().flat_map(|needle| in_base64(&needle.text)).collect();
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    needles.into_iter().chain(coded).for_each(|needle| known.add(needle));
}

/// Takes note of what is secret in an address that a registry names, whether or not it is one: the
/// values of its query and fragment, which sign it, and a password.
pub(crate) fn keep_from_address(address: &str) {
    keep_from_authority(address);
    let (_, rest) = address.split_once(['?', '#']).unwrap_or_default();
    for pair in rest.split(['&', ';', '#', '?']) {
        let (key, value) = pair.split_once('=').unwrap_or(("", pair));
        if is_secret(&key.to_ascii_lowercase(), value) {
            keep(value);
            if let Some((_, decoded)) = url::form_urlencoded::parse(pair.as_bytes()).next() {
                keep(&decoded);
            }
        }
    }
}

/// Whether a value in a query is one that signs it: by what it is called, or else by what it looks like.
fn is_secret(key: &str, value: &str) -> bool {
    // Short ones are numbers, days and versions.
    if value.len() < 8 || HARMLESS.contains(&key) {
        return false;
    }
    let looks_random = value.len() >= 16 && value.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    looks_random || TELLING.iter().any(|part| key.contains(part))
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

fn hide<'a>(known: &Known, text: &'a str) -> Cow<'a, str> {
    let bytes = text.as_bytes();
    // From and to of what is hidden, in order, none in another.
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let firsts = readings(&bytes[at..]).into_iter().flatten().map(|(byte, _)| byte);
        let found = firsts.flat_map(|first| known.beginning_with(first)).filter_map(|needle| {
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
    let Some((wanted, rest)) = needle.split_first() else { return Some(0) };
    let go_on = |rest: &[u8], length: usize| Some(length + match_length(rest, text.get(length..)?)?);
    let slashes = backslashes(text);
    if *wanted == b'\\' {
        // Each time that a text is quoted its backslashes become more.
        let own = backslashes(needle);
        if slashes >= own
            && let Some(length) = go_on(&needle[own..], slashes)
        {
            return Some(length);
        }
    } else if slashes > 0 && text.get(slashes) == Some(wanted) {
        // And others stand before its quotes.
        return go_on(rest, slashes + 1);
    }
    // A plus is a space in a query.
    let space = (*wanted == b' ' && text.first() == Some(&b'+')).then_some((b' ', 1));
    let ways = readings(text).into_iter().chain([space]).flatten();
    ways.filter(|(byte, _)| byte == wanted).find_map(|(_, length)| go_on(rest, length))
}

fn backslashes(text: &[u8]) -> usize {
    text.iter().take_while(|b| **b == b'\\').count()
}

/// What the first byte of a text may be, and how long it is as it is written: as it is, percent-coded once or
/// twice, or escaped as in JSON or in Rust.
fn readings(text: &[u8]) -> [Option<(u8, usize)>; 4] {
    let hex = |a: u8, b: u8, length| {
        let digits = [a, b];
        let byte = u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
        Some((byte, length))
    };
    let once = match *text {
        [b'%', a, b, ..] => hex(a, b, 3),
        _ => None,
    };
    let twice = match *text {
        [b'%', b'2', b'5', a, b, ..] => hex(a, b, 5),
        _ => None,
    };
    let escaped = match *text {
        [b'\\', b'u', b'0', b'0', a, b, ..] | [b'\\', b'u', b'{', a, b, b'}', ..] => hex(a, b, 6),
        [b'\\', b'x', a, b, ..] => hex(a, b, 4),
        [b'\\', b'n', ..] => Some((b'\n', 2)),
        [b'\\', b't', ..] => Some((b'\t', 2)),
        [b'\\', c @ (b'"' | b'\\' | b'/' | b'\''), ..] => Some((c, 2)),
        _ => None,
    };
    [text.first().map(|byte| (*byte, 1)), once, twice, escaped]
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
mod tests;
