//! `WWW-Authenticate`: what a registry wants to be shown.
//!
//! RFC 9110 §11.6.1 lets one header hold several challenges and separates them and their parameters
//! by the same comma: what is followed by `=` is a parameter, anything else starts a challenge.
//! Registries also write unquoted URLs and upper-case schemes; whatever cannot be read is skipped.

use std::iter::Peekable;
use std::str::CharIndices;

/// A challenge that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User name and password with every request.
    Basic,
    /// A token, to be fetched first.
    Bearer {
        /// Where tokens are given out.
        realm: String,
        /// What the token is for, as the token server knows it.
        service: Option<String>,
        /// The right that was missing, verbatim: not every registry speaks of repositories here.
        scope: Option<String>,
    },
}

/// The challenge to answer, of all `WWW-Authenticate` headers of a response: Bearer before Basic,
/// and nothing else (no Negotiate, NTLM or Digest).
pub(crate) fn choose<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut basic = None;
    for offer in headers.flat_map(parse) {
        if offer.scheme.eq_ignore_ascii_case("basic") {
            basic = Some(Challenge::Basic);
        }
        if !offer.scheme.eq_ignore_ascii_case("bearer") {
            continue;
        }
        if let Some(realm) = offer.param("realm").filter(|realm| !realm.is_empty()) {
            return Some(Challenge::Bearer { realm, service: offer.param("service"), scope: offer.param("scope") });
        }
    }
    basic
}

/// A challenge of any scheme.
#[derive(Debug)]
struct Offer<'a> {
    scheme: &'a str,
    params: Vec<(&'a str, String)>,
}

impl Offer<'_> {
    /// The first parameter of this name, in any case.
    fn param(&self, name: &str) -> Option<String> {
        let found = self.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }
}

fn parse(header: &str) -> Vec<Offer<'_>> {
    let mut offers: Vec<Offer<'_>> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        let (word, after) = split_at(rest, |c| !is_token(c));
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        match (word, value) {
            _ if rest.is_empty() => return offers,
            // Not a word at all: step over it.
            ("", _) => rest = skip_one(rest),
            (name, Some(value)) => {
                let (value, after) = take_value(value);
                if let Some(offer) = offers.last_mut() {
                    offer.params.push((name, value));
                }
                rest = after;
            }
            (scheme, None) => {
                offers.push(Offer { scheme, params: Vec::new() });
                rest = skip_token68(after);
            }
        }
    }
}

/// Past the `token68` that Negotiate and its kin put in the place of parameters.
fn skip_token68(rest: &str) -> &str {
    let (blob, after) = split_at(rest.trim_start(), |c| !is_token(c) && c != '/' && c != '=');
    let body = blob.trim_end_matches('=');
    let ends = after.trim_start();
    let is_token68 = !blob.is_empty() && !body.contains('=') && (ends.is_empty() || ends.starts_with(','));
    if is_token68 && rest.starts_with(char::is_whitespace) { after } else { rest }
}

/// A parameter's value and what follows it.
fn take_value(rest: &str) -> (String, &str) {
    match rest.strip_prefix('"') {
        Some(quoted) => take_quoted(quoted),
        // A token by the book; unquoted URLs are met too.
        None => {
            let (value, after) = split_at(rest, |c| c == ',' || c.is_whitespace());
            (value.into(), after)
        }
    }
}

/// The string up to the closing quote, or to the end where there is none.
fn take_quoted(rest: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars: Peekable<CharIndices<'_>> = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &rest[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn split_at(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn skip_one(text: &str) -> &str {
    let mut chars = text.chars();
    chars.next();
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let [service, scope] = [service, scope].map(|value| value.map(str::to_owned));
        Some(Challenge::Bearer { realm: realm.into(), service, scope })
    }

    #[test]
    fn every_way_to_write_a_challenge_is_read() {
        let hub =
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#;
        let cases: &[(&[&str], Option<Challenge>)] = &[
            (&[hub], bearer("https://auth.docker.io/token", Some("registry.docker.io"), Some("repository:a/b:pull"))),
            (&["BASIC realm=\"Sonatype Nexus\""], Some(Challenge::Basic)),
            (&["basic"], Some(Challenge::Basic)),
            (&["Basic realm=\"a, b\", BEARER Realm = \"https://t\" , Service=s"], bearer("https://t", Some("s"), None)),
            (
                &["Basic realm=x", "Bearer realm=https://t/auth?x=1,scope=\"aws\""],
                bearer("https://t/auth?x=1", None, Some("aws")),
            ),
            (&["Bearer realm=\"https://t\"", "Basic realm=x"], bearer("https://t", None, None)),
            (&["Negotiate", "NTLM", "Basic realm=\"x\""], Some(Challenge::Basic)),
            (&["Negotiate YII/a+b==, Basic realm=\"x\""], Some(Challenge::Basic)),
            (&["Negotiate, NTLM abc=, Bearer realm=\"https://t\""], bearer("https://t", None, None)),
            (&["Digest realm=\"Bearer realm=evil\", nonce=\"Basic\""], None),
            (
                &[r#"Bearer realm="https://t",scope="a \"b\" \\c,d=e""#],
                bearer("https://t", None, Some(r#"a "b" \c,d=e"#)),
            ),
            (&["Bearer realm=\"https://t\" service=\"s\""], bearer("https://t", Some("s"), None)),
            (&["Bearer realm=\"https://t"], bearer("https://t", None, None)),
            (&["Bearer realm=\"https://one\",realm=\"https://two\""], bearer("https://one", None, None)),
            (&["Bearer scope=\"x\", Basic"], Some(Challenge::Basic)),
            (&["Bearer realm=\"\""], None),
            (&["realm=\"https://t\""], None),
            (&["", ",,,", "=", "\"Basic"], Some(Challenge::Basic)),
            (&[], None),
        ];
        for (headers, expected) in cases {
            assert_eq!(&choose(headers.iter().copied()), expected, "{headers:?}");
        }
    }

    #[test]
    fn several_scopes_pass_verbatim() {
        let scope = "repository:host:5000/a:pull,push repository:b:pull";
        let header = format!("Bearer realm=\"https://t\",scope=\"{scope}\"");
        assert_eq!(choose([&*header].into_iter()), bearer("https://t", None, Some(scope)));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(headers in prop::collection::vec(".*", 0..4)) {
            let _ = choose(headers.iter().map(String::as_str));
        }

        #[test]
        fn nothing_that_looks_like_a_challenge_does_either(header in "(Bearer|Basic|[a-z=,\"\\\\/ é]){0,40}") {
            let _ = choose([&*header].into_iter());
        }

        #[test]
        fn a_quoted_value_comes_back_as_it_was(realm in "[^\r\n]{1,40}") {
            let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
            let header = format!("Basic realm=\"x\", Bearer service=s, realm=\"{quoted}\"");
            prop_assert_eq!(choose([&*header].into_iter()), bearer(&realm, Some("s"), None));
        }
    }
}
