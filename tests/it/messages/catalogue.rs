//! Which steps of the catalogue are behind some hints, told by the words in `next_steps/words.txt`.

use std::collections::BTreeMap;

/// What stands in the words of that file for what an error names.
const SAMPLES: [&str; 23] = [
    "/media/usb/key.pem",
    "/etc/docker/certs.d/registry.example:5000/client.key",
    "registry.example:5000/team/application:1.4",
    "registry.example:5000/library",
    "registry.example:5000",
    "\"app\"",
    "\"library\"",
    "library/app",
    "`library`",
    "20:04 UTC",
    "12345678912",
    "/media/usb/bundles/images.tar",
    "/media/usb/bundles/",
    "/media/usb/.images.tar.partial",
    "1.2 GiB of 4 GiB",
    "/home/operator/.docker/config.json",
    "xz -dc /media/usb/images.tar.xz",
    "/media/usb/images.tar",
    "images/",
    "images-2of3.tar images-3of3.tar",
    "images-2of3.tar",
    "1048576",
    "bundle import",
];

/// Names and words of all steps.
fn all() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("../../../src/bin/bundle/next_steps/words.txt").lines();
    lines.map(|line| line.split_once(": ").expect("a name and words")).collect()
}

/// Whether a text has these words, with anything in place of the samples.
fn is_like(words: &str, text: &str) -> bool {
    let sample =
        SAMPLES.iter().filter_map(|sample| Some((words.find(sample)?, sample.len()))).min_by_key(|(at, _)| *at);
    let Some((at, length)) = sample else { return words == text };
    let (before, after) = (&words[..at], &words[at + length..]);
    let Some(rest) = text.strip_prefix(before) else { return false };
    rest.char_indices().any(|(at, _)| is_like(after, &rest[at..])) || is_like(after, "")
}

/// Steps that take a drive or a machine of their own, with the file that looks for their words.
const ELSEWHERE: [(&str, &str); 1] = [("FormatDrive", include_str!("../../vm/run"))];

/// The steps that none of these hints comes from.
pub(super) fn not_among(hints: &[&str]) -> Vec<&'static str> {
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, words) in all() {
        words.split("; or ").for_each(|way| *owners.entry(way).or_default() += 1);
    }
    let is_said = |words: &str| {
        // A way that is this step's alone gives it away; without one, all of it has to be there.
        let mut own = words.split("; or ").filter(|way| owners[way] == 1).peekable();
        let has_own = own.peek().is_some();
        let mut ways = hints.iter().flat_map(|hint| hint.split("; or "));
        if has_own {
            ways.any(|way| own.clone().any(|own| is_like(own, way)))
        } else {
            hints.iter().any(|hint| is_like(words, hint))
        }
    };
    let is_elsewhere = |name: &str, words: &str| {
        ELSEWHERE.iter().any(|(other, file)| *other == name && words.split("; or ").any(|way| file.contains(way)))
    };
    let unsaid = all().into_iter().filter(|(name, words)| !is_said(words) && !is_elsewhere(name, words));
    unsaid.map(|(name, _)| name).collect()
}

#[test]
fn a_step_is_known_by_its_own_words_whatever_stands_in_them() {
    let unsaid = not_among(&["check the path", "name it as `h.example`", "check the proxy in front of it"]);
    assert!(!unsaid.contains(&"CheckPath") && !unsaid.contains(&"LeaveOutScheme"), "{unsaid:?}");
    assert!(unsaid.contains(&"CheckProxy") && unsaid.contains(&"CheckAddressAndProxy"), "{unsaid:?}");
    assert_eq!(unsaid.len(), all().len() - 2 - ELSEWHERE.len());
    // Two steps share both ways of this one's words.
    assert!(!not_among(&["give --username and --password-stdin; or set BUNDLE_PASSWORD"]).contains(&"GiveCredentials"));
}
