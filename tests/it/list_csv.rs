//! `list --format csv`: a table for spreadsheets, which run what begins like a formula.

use std::collections::HashMap;

use crate::list_page::hostile;
use crate::scene::{Scene, borrowed, command, names};

type Row = HashMap<String, String>;

/// The rows, by column, as a strict reader of RFC 4180 has them.
fn rows(text: &str) -> Vec<Row> {
    assert!(
        text.lines().count() > 1 && text.split_terminator("\r\n").all(|line| !line.contains(['\r', '\n'])),
        "{text}"
    );
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

#[test]
fn each_platform_of_each_image_is_a_row_with_the_numbers_of_the_json() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    let rows = rows(&scene.list().args(["--format", "csv"]).run().succeeds().stdout);
    let report = scene.list().args(["--format", "json"]).run().succeeds().json();
    let mut at = rows.iter();
    for image in report["images"].as_array().expect("images") {
        for platform in image["platforms"].as_array().expect("platforms") {
            let row = at.next().expect("a row");
            let same = |column: &str, value: &serde_json::Value| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                assert_eq!(row[column], text, "{column}");
            };
            same("image", &image["name"]);
            same("digest", &image["digest"]);
            same("image_bytes", &image["bytes"]);
            same("own_bytes", &image["ownBytes"]);
            same("shared_bytes", &image["sharedBytes"]);
            same("platform_digest", &platform["digest"]);
            same("platform_bytes", &platform["bytes"]);
            assert_eq!(row["platform"], platform["platform"].as_str().unwrap_or_default());
            assert_eq!(row["state"], "whole");
        }
    }
    assert_eq!(at.next(), None, "nothing more");
}

#[test]
fn a_platform_that_was_left_out_is_a_row_that_says_so() {
    let (scene, _) = Scene::seeded();
    scene.export(&["google-containers/pause:latest"]).args(["--platform", "linux/arm64"]).run().succeeds();
    let rows = rows(&scene.list().args(["--format", "csv"]).run().succeeds().stdout);
    let mut states: Vec<(&str, &str)> = rows.iter().map(|row| (&*row["platform"], &*row["state"])).collect();
    states.sort_unstable();
    let out = |platform| (platform, "left out");
    assert_eq!(states, [out("linux/amd64"), out("linux/arm/v7"), ("linux/arm64", "whole"), out("linux/s390x")]);
}

#[test]
fn no_cell_is_a_formula_or_fools_a_reader() {
    let drive = tempfile::tempdir().expect("a directory");
    // A name of a file is from outside too.
    let dir = drive.path().join("=1+1");
    hostile(&dir);
    let text = command("list").args(["--format", "csv", "=1+1"]).dir(drive.path()).run().stdout;
    let rows = rows(&text);
    assert!(rows.len() > 8, "{text}");
    for row in &rows {
        for (column, cell) in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{column}: {cell}");
            assert!(!cell.chars().any(oci_bundle::oci::is_misleading), "{column}: {cell}");
        }
    }
    assert!(rows.iter().all(|row| row["bundle"] == "'=1+1"));
    assert!(rows.iter().any(|row| row["platform"].starts_with("'=HYPERLINK(\"http")), "{text}");
}

#[test]
fn formats_of_list_are_for_list_alone() {
    for format in ["csv", "html"] {
        let out = command("verify").args(["x.tar", "--format", format]).run().exits(2);
        assert!(out.stderr.contains("are only for `bundle list`"), "{}", out.stderr);
        let out = command("verify").args(["x.tar"]).env("BUNDLE_FORMAT", format).run().exits(2);
        assert!(out.stderr.contains("are only for `bundle list`"), "{}", out.stderr);
    }
    let out = command("list").args(["x.tar", "--format", "xml"]).run().exits(2);
    assert!(out.stderr.contains("text, json, csv, html"), "{}", out.stderr);
}
