//! What to type on the other side.

use maud::{Markup, html};

use super::super::list::Listed;
use super::contents::{file_name, of_path};
use super::words::copied;
use crate::error::shell_word;

/// The lines to copy: for the file, or for nodes that are to pull from whoever serves it.
pub(super) fn lines(bundle: &Listed, served: Option<&str>) -> Markup {
    let steps = match served {
        Some(registry) => at_registry(bundle, registry),
        None => with_file(bundle),
    };
    html! {
        ol .steps {
            @for (what, line) in &steps {
                li { p { (what) } pre tabindex="0" role="group" aria-label=(what) { (copied(line, what)) } }
            }
        }
    }
}

fn with_file(bundle: &Listed) -> Vec<(&'static str, String)> {
    let (files, digest) = (files(bundle), &bundle.digest);
    vec![
        ("Check every byte of it", format!("bundle verify {files} --expect {digest}")),
        ("Bring it into the registry HOST", format!("bundle import {files} --registry HOST --expect {digest}")),
        ("Make the nodes use the registry", format!("bundle mirror-config {files} --registry HOST --for containerd")),
    ]
}

fn at_registry(bundle: &Listed, registry: &str) -> Vec<(&'static str, String)> {
    let (files, registry) = (files(bundle), shell_word(registry));
    vec![
        ("Make nodes pull from here", format!("bundle mirror-config {files} --registry {registry} --for containerd")),
        ("Bring it into a registry of your own", format!("bundle import {files} --registry HOST")),
    ]
}

/// All files of the bundle by name: a page that lies beside them knows no folders.
fn files(bundle: &Listed) -> String {
    let names: Vec<String> = match &bundle.volumes {
        Some(volumes) => {
            let mut all: Vec<(u32, String)> = Vec::new();
            all.extend(volumes.here.iter().map(|one| (one.number, of_path(&one.bundle))));
            all.extend(volumes.missing.iter().map(|one| (one.number, of_path(one.bundle.as_ref()))));
            all.sort();
            all.into_iter().map(|(_, name)| name).collect()
        }
        None => vec![file_name(bundle)],
    };
    names.iter().map(|name| shell_word(name).into_owned()).collect::<Vec<_>>().join(" ")
}
