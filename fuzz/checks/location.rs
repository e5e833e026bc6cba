//! Addresses that a registry names, one per line and each from where the one before led: redirects,
//! places where an upload goes on, token realms, the `Link` to the next page of a list, layers. What
//! we go to is what the rules say, and what is shown of it holds no query.

use std::net::IpAddr;

use url::Url;

use crate::Kind;
use crate::registry::fuzzing::{Origin, Purpose, next_link, shown};

const REGISTRIES: [(&str, bool); 7] = [
    ("r.example:5000", false),
    ("r.example", false),
    ("docker.io", false),
    ("172.18.0.20", true),
    ("127.0.0.1:5000", true),
    ("[::1]", false),
    ("169.254.1.1:80", true),
];
const PURPOSES: [Purpose; 6] =
    [Purpose::Redirect, Purpose::TokenRealm, Purpose::Upload, Purpose::Page, Purpose::LayerUrl, Purpose::LayerRedirect];
const SECRET: &str = "X-Amz-Signature";

/// Said in another way than the program says it: by how a host is written, and by its octets.
fn is_of_this_machine_or_link(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let octets = match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.to_ipv6_mapped().octets(),
        Ok(IpAddr::V6(ip)) => ip.octets(),
        Err(_) => return host.rsplit('.').next() == Some("localhost"),
    };
    match octets {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => {
            a == 127 || [a, b] == [169, 254] || [a, b, c, d] == [0; 4]
        }
        [0xfe, second, ..] => second & 0xc0 == 0x80,
        [zeros @ .., last] => zeros == [0; 15] && last < 2,
    }
}

fn followed(registry: &Origin, purpose: Purpose, from: &Url, target: &str) -> Option<Url> {
    let own = registry.url("");
    let permitted = match registry.follow(purpose, from, target) {
        Ok(permitted) => permitted,
        Err(error) => {
            assert_eq!(error.kind(), Kind::Act);
            assert!(!error.to_string().contains(SECRET), "{error}");
            return None;
        }
    };
    let (url, with_credentials) = (permitted.url, permitted.is_registry);
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    assert!(url.scheme() == "https" || (url.scheme() == "http" && own.scheme() == "http"), "{url}");
    let is_layer = matches!(purpose, Purpose::LayerRedirect | Purpose::LayerUrl);
    assert_eq!(with_credentials, url.origin() == own.origin() && !is_layer, "{url}");
    // Plain http only where the registry and the layer are on this machine.
    assert!(!is_layer || url.scheme() == "https" || is_of_this_machine_or_link(&url), "{url}");
    assert!(is_of_this_machine_or_link(&own) || !is_of_this_machine_or_link(&url), "{url}");
    if matches!(purpose, Purpose::Page | Purpose::Upload) {
        let named = from.join(target).expect("a URL");
        assert_eq!(url.origin(), own.origin());
        assert_eq!((url.host(), url.path(), url.query()), (named.host(), named.path(), named.query()));
    }
    let shown = shown(&url);
    assert!(!shown.contains(SECRET) && !shown.contains(['?', '#']), "{shown}");
    Some(url)
}

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Tabs and ends of lines vanish in a URL.
    let is_given_away = text.replace(|c: char| c.is_control(), "").contains(SECRET);
    let Some(first) = text.chars().next().filter(|_| !is_given_away) else { return };
    // The first letter says which registry, and what for.
    let number = first as usize;
    let (host, plain_http) = REGISTRIES[number % REGISTRIES.len()];
    let purpose = PURPOSES[number / REGISTRIES.len() % PURPOSES.len()];
    let registry = Origin::new(&host.parse().expect("a host"), plain_http).expect("a registry");
    let mut from = registry.url("v2/team/app/blobs/uploads/");
    for line in text[first.len_utf8()..].lines().take(6) {
        // A page is named within a header.
        let target = match (purpose, next_link(line)) {
            (Purpose::Page, Ok(Some(target))) => {
                assert!(line.contains(&format!("<{target}>")), "{line}");
                target
            }
            _ => line,
        };
        let secret = format!("{target}?{SECRET}=1");
        followed(&registry, purpose, &from, &secret);
        if let Some(url) = followed(&registry, purpose, &from, target) {
            from = url;
        }
    }
}
