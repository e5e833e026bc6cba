//! `WWW-Authenticate`, a header per line: no panic, nothing is made up, and what is quoted by the
//! book comes back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci_bundle::registry::fuzzing::{Bearer, Namer, Use, challenge};

/// The letters of `part` stand in `whole`, in this order.
fn is_within(part: &str, whole: &str) -> bool {
    let mut letters = whole.chars();
    part.chars().all(|c| letters.any(|other| other == c))
}

fuzz_target!(|text: &str| {
    let headers: Vec<&str> = text.lines().take(8).collect();
    if let Some(Some(Bearer { realm, service, scope })) = challenge(headers.iter().copied()) {
        assert!(!realm.is_empty());
        for value in [Some(&realm), service.as_ref(), scope.as_ref()].into_iter().flatten() {
            assert!(headers.iter().any(|header| is_within(value, header)), "{value:?} is not in {headers:?}");
        }
        let registry = Namer::new("registry.example", false).expect("a host");
        if let Ok((url, _)) = registry.follow(Use::TokenRealm, &registry.url("v2/"), &realm) {
            assert_eq!(url.scheme(), "https");
        }
    }
    for value in headers.into_iter().filter(|value| !value.is_empty()) {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let header = format!("Basic realm=\"{quoted}\", Bearer service=s, realm=\"{quoted}\"");
        let expected = Bearer { realm: value.into(), service: Some("s".into()), scope: None };
        assert_eq!(challenge([&*header].into_iter()), Some(Some(expected)));
    }
});
