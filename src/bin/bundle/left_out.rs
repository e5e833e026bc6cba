//! What was left out, in the words of every command that comes upon it.

use std::collections::BTreeSet;

use oci_bundle::report::LeftOut;

use super::text::count;

/// Why manifests are left out.
pub(super) const OTHER_PLATFORM: &str = "platform";
/// As many platforms as are named.
const MOST_NAMED: usize = 6;

/// The layers that are left out for good.
pub(super) fn layers(left_out: &[LeftOut]) -> impl Iterator<Item = &LeftOut> {
    left_out.iter().filter(|one| one.is_for_good() && one.reason != OTHER_PLATFORM)
}

/// How much was left out for good, by reason; empty where nothing was. Never a bare "intact" beside something that is not
/// there.
pub(super) fn left_out_counts(left_out: &[LeftOut]) -> String {
    let layers: Vec<&LeftOut> = layers(left_out).collect();
    let mut text = String::new();
    if let Some(first) = layers.first() {
        text.push_str(&format!(" · {} left out ({})", count(layers.len() as u64, "layer"), first.reason));
    }
    if let Some((platforms, named)) = counted(left_out) {
        text.push_str(&format!(" · {platforms} left out ({named})"));
    }
    text
}

/// `2 platforms: linux/arm64, linux/s390x`, each once for all images; `None` where none is left out.
pub(super) fn left_out_platforms(left_out: &[LeftOut]) -> Option<String> {
    counted(left_out).map(|(platforms, named)| format!("{platforms}: {named}"))
}

/// How many platforms, and which.
fn counted(left_out: &[LeftOut]) -> Option<(String, String)> {
    let others: Vec<&LeftOut> = left_out.iter().filter(|one| one.reason == OTHER_PLATFORM).collect();
    if others.is_empty() {
        return None;
    }
    let names: BTreeSet<&str> = others.iter().filter_map(|one| one.platform.as_deref()).collect();
    if names.is_empty() {
        return Some((count(others.len() as u64, "manifest"), OTHER_PLATFORM.into()));
    }
    let mut named = names.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMED {
        named.push_str(&format!(" and {} more", names.len() - MOST_NAMED));
    }
    Some((count(names.len() as u64, "platform"), named))
}
