//! `WWW-Authenticate`, a header per line: no panic, nothing is made up, and what is quoted by the
//! book comes back as it was.
use crate::registry::fuzzing::{Challenge, Origin, Purpose, choose};

/// The letters of `part` stand in `whole`, in this order.
fn is_within(part: &str, whole: &str) -> bool {
    let mut letters = whole.chars();
    part.chars().all(|c| letters.any(|other| other == c))
}

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let headers: Vec<&str> = text.lines().take(8).collect();
    if let Some(Challenge::Bearer { realm, service, scope }) = choose(headers.iter().copied()) {
        assert!(!realm.is_empty());
        for value in [Some(&realm), service.as_ref(), scope.as_ref()].into_iter().flatten() {
            assert!(headers.iter().any(|header| is_within(value, header)), "{value:?} is not in {headers:?}");
        }
        let registry = Origin::new(&"registry.example".parse().expect("a host"), false).expect("a registry");
        if let Ok(permitted) = registry.follow(Purpose::TokenRealm, &registry.url("v2/"), &realm) {
            assert_eq!(permitted.url.scheme(), "https");
        }
    }
    for value in headers.into_iter().filter(|value| !value.is_empty()) {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let header = format!("Basic realm=\"{quoted}\", Bearer service=s, realm=\"{quoted}\"");
        let expected = Challenge::Bearer { realm: value.into(), service: Some("s".into()), scope: None };
        assert_eq!(choose([&*header].into_iter()), Some(expected));
    }
}
