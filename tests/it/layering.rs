//! Who may import whom. The rooms and their directions are in `docs/architecture.md`; this test
//! reads every path in every source file and fails on any other direction, on files of one room that
//! import each other in a circle, and on files with two jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::source_paths::{Module, Modules};

/// What every room to the right of `store` may name.
const SHARED: &[&str] = &["oci", "error", "store"];
/// What a verb may name that talks to registries.
const ONLINE: &[&str] = &[
    "oci",
    "error",
    "store",
    "plan",
    "transfer",
    "registry",
    "archive",
    "signature",
    "verbs",
    "verbs/images",
    "verbs/layer_deltas",
    "verbs/planned",
    "verbs/pushed",
    "verbs/written",
];
/// What a verb may name that writes bundles of what is in others.
const BETWEEN_FILES: &[&str] =
    &["oci", "error", "store", "plan", "transfer", "archive", "signature", "verbs", "verbs/written"];
/// What a verb may name that cannot: it is offline by construction.
const OFFLINE: &[&str] = &["oci", "error", "store", "plan", "archive", "signature", "verbs"];

/// Rooms, and folders within rooms, each with what else it may name. A path belongs to the longest
/// of them that it begins with.
const PLAN: &[(&str, &[&str])] = &[
    ("oci", &[]),
    ("delta", &["oci"]),
    ("error", &["oci"]),
    ("store", &["oci", "error"]),
    ("lists", &["oci"]),
    ("plan", SHARED),
    ("runtimes", &["oci", "error"]),
    ("signature", &["oci", "error"]),
    ("transfer", &["oci", "error", "store", "plan"]),
    ("archive", &["archive/format", "archive/read", "archive/write", "error"]),
    ("archive/format", SHARED),
    ("archive/read", &["oci", "delta", "error", "store", "archive", "archive/format"]),
    ("archive/write", &["oci", "error", "store", "archive", "archive/format"]),
    ("registry", &["oci", "error", "store", "registry/auth", "registry/wire"]),
    ("registry/auth", &["oci", "error", "store", "registry/wire"]),
    ("registry/wire", SHARED),
    ("verbs", OFFLINE),
    (
        "verbs/check",
        &[
            "oci",
            "error",
            "store",
            "plan",
            "registry",
            "archive",
            "verbs",
            "verbs/images",
            "verbs/planned",
            "verbs/check/bundled",
            "verbs/check/platforms",
            "verbs/check/report",
        ],
    ),
    // Looking into bundles is offline by construction, also where a registry is asked besides.
    (
        "verbs/check/bundled",
        &["oci", "error", "store", "plan", "archive", "verbs", "verbs/check/platforms", "verbs/check/report"],
    ),
    ("verbs/check/platforms", OFFLINE),
    ("verbs/check/report", OFFLINE),
    ("verbs/copy", ONLINE),
    ("verbs/export", ONLINE),
    ("verbs/images", &["oci", "error", "store", "lists", "plan", "registry", "archive"]),
    ("verbs/import", ONLINE),
    ("verbs/inventory", ONLINE),
    ("verbs/keygen", &["oci", "error", "signature"]),
    ("verbs/layer_deltas", &["oci", "delta", "error", "store", "transfer", "registry", "verbs"]),
    ("verbs/list", OFFLINE),
    ("verbs/login", &["oci", "error", "store", "registry"]),
    ("verbs/mirror_config", &["oci", "error", "store", "plan", "registry", "archive", "runtimes", "verbs"]),
    ("verbs/pack", BETWEEN_FILES),
    // Of what was listed, a text.
    ("verbs/page", &["oci", "error", "verbs", "verbs/list"]),
    ("verbs/planned", ONLINE),
    ("verbs/pushed", ONLINE),
    // It answers, and asks nobody.
    ("verbs/serve", &["oci", "error", "store", "plan", "archive", "verbs", "verbs/list", "verbs/page"]),
    ("verbs/sign", OFFLINE),
    ("verbs/verify", OFFLINE),
    ("verbs/written", BETWEEN_FILES),
];

/// Longer files have two jobs.
const MOST_LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn rooms_import_only_in_the_direction_of_the_picture() {
    let modules = Modules::read(&root().join("src/lib.rs"));
    let mut wrong = Vec::new();
    for (from, to, line) in modules.imports() {
        // The face of the library names everything.
        let Some(here) = room(from) else { continue };
        let there = room(to).unwrap_or_else(|| panic!("{to:?} is in no room of the picture"));
        // Of another room only its face is known, whatever stands behind it.
        let there = if top(here) == top(there) { there } else { top(there) };
        let may = PLAN.iter().find(|(name, _)| *name == here).map_or(&[] as &[&str], |(_, may)| may);
        if here != there && !may.contains(&there) {
            wrong.push(format!("{}:{line}: `{here}` names `{there}`", modules.shown(from)));
        }
    }
    assert!(modules.count() > 80, "only {} files looked at", modules.count());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_source_file_is_in_a_room_of_the_picture() {
    let modules = Modules::read(&root().join("src/lib.rs"));
    let homeless: Vec<&Module> = modules.all().filter(|module| !module.is_empty() && room(module).is_none()).collect();
    assert!(homeless.is_empty(), "{homeless:?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for face in ["src/lib.rs", "src/bin/bundle/main.rs"] {
        let modules = Modules::read(&root().join(face));
        let mut graph: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
        for (from, to, _) in modules.imports() {
            graph.entry(from).or_default().insert(to);
        }
        let circles = circles(&graph);
        let shown: Vec<String> = circles
            .iter()
            .map(|circle| circle.iter().map(|module| modules.shown(module)).collect::<Vec<_>>().join(" -> "))
            .collect();
        assert!(circles.is_empty(), "{}", shown.join("\n"));
    }
}

#[test]
fn no_file_is_longer_than_one_job_takes() {
    let mut long = Vec::new();
    for folder in ["src", "tests", "examples", "fuzz/checks", "fuzz/fuzz_targets", "bench"] {
        for file in source_files(&root().join(folder)) {
            let lines = fs::read_to_string(&file).map_or(0, |text| text.lines().count());
            if lines > MOST_LINES {
                long.push(format!("{}: {lines} lines", file.display()));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_command_knows_the_library_only_by_its_public_face() {
    for file in source_files(&root().join("src/bin/bundle")) {
        let text = fs::read_to_string(&file).expect("readable");
        assert!(!text.contains("#[path"), "{} includes a file of the library", file.display());
    }
}

/// The room or folder that a module belongs to.
fn room(module: &[String]) -> Option<&'static str> {
    let path = module.join("/");
    let below = |name: &&str| path.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    PLAN.iter().map(|(name, _)| *name).filter(below).max_by_key(|name| name.len())
}

/// The room that a folder is in; verbs are rooms of their own.
fn top(room: &'static str) -> &'static str {
    if room.starts_with("verbs") { room } else { room.split('/').next().unwrap_or(room) }
}

/// One circle through each module that is on any.
fn circles<'a>(graph: &BTreeMap<&'a Module, BTreeSet<&'a Module>>) -> Vec<Vec<&'a Module>> {
    let mut found: Vec<Vec<&Module>> = Vec::new();
    for start in graph.keys() {
        if found.iter().any(|circle| circle.contains(start)) {
            continue;
        }
        // Breadth-first, so that the circle shown is the shortest.
        let mut ways: Vec<Vec<&Module>> = vec![vec![*start]];
        let mut seen: BTreeSet<&Module> = BTreeSet::new();
        let mut next = 0;
        'search: while next < ways.len() {
            let way = ways[next].clone();
            next += 1;
            let last = way[way.len() - 1];
            for to in graph.get(last).into_iter().flatten() {
                if to == start {
                    found.push([way.as_slice(), &[*start]].concat());
                    break 'search;
                }
                if seen.insert(*to) {
                    ways.push([way.as_slice(), &[*to]].concat());
                }
            }
        }
    }
    found
}

pub(crate) fn source_files(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder).into_iter();
    let entries = walk.filter_entry(|e| e.file_name() != "results").map(|entry| entry.expect("an entry"));
    let is_source = |path: &PathBuf| path.extension().is_none_or(|e| ["rs", "sh", "py", ""].iter().any(|x| e == *x));
    entries.filter(|e| e.file_type().is_file()).map(|e| e.into_path()).filter(is_source).collect()
}
