//! `list`: a table, one row for each image.

use oci_bundle::list::{Listed, ListedImage};

use super::words::{self, lacks, referrers};
use crate::text::{escaped, size};

/// The columns: what they are called, and whether they end in one line.
const COLUMNS: [(&str, bool); 6] =
    [("IMAGE", false), ("DIGEST", false), ("SIZE", true), ("OWN", true), ("REFERRERS", false), ("PLATFORMS", false)];
/// Of a cell that is longer, in bytes, the beginning is shown.
const LONGEST: usize = 2 << 10;
/// A name that is longer does not push the other columns away.
const WIDEST: usize = 60;

/// The table, with a line below an image of which these files lack something.
pub(super) fn lines(listed: &Listed) -> Vec<String> {
    if listed.images.is_empty() {
        return Vec::new();
    }
    let rows: Vec<[String; 6]> = listed.images.iter().map(cells).collect();
    // A column that says nothing takes no room.
    let shown: Vec<usize> = (0..COLUMNS.len()).filter(|at| rows.iter().any(|row| !row[*at].is_empty())).collect();
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|at| rows.iter().map(|row| width(&row[at])).filter(|width| *width <= WIDEST).max().unwrap_or_default())
        .zip(COLUMNS)
        .map(|(width, (title, _))| width.max(title.len()))
        .collect();
    let line = |row: &[String; 6]| {
        let cells = shown.iter().map(|&at| {
            let fill = " ".repeat(widths[at].saturating_sub(width(&row[at])));
            if COLUMNS[at].1 { format!("{fill}{}", row[at]) } else { format!("{}{fill}", row[at]) }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&COLUMNS.map(|(title, _)| title.to_owned()))];
    for (image, row) in listed.images.iter().zip(&rows) {
        lines.push(line(row));
        lines.extend(lacks(image));
    }
    lines
}

fn cells(image: &ListedImage) -> [String; 6] {
    let named: Vec<&str> = image.platforms.iter().filter_map(|one| one.platform.as_deref()).collect();
    let others: Vec<&str> = image.other_platforms.iter().filter_map(|one| one.platform.as_deref()).collect();
    let mut platforms = named.join(", ");
    if !others.is_empty() {
        platforms.push_str(&format!("; left out: {}", others.join(", ")));
    }
    let with_it = image.referrers.as_ref().map_or_else(|| "as above".into(), |all| referrers(all));
    let cells =
        [words::name(image), image.digest.short(), size(image.bytes), size(image.own_bytes), with_it, platforms];
    // As it will be printed, so that the columns stand.
    cells.map(|cell| {
        let shown = escaped(&cell);
        // A line is cut at its end, where the other columns are.
        if shown.len() <= LONGEST {
            return shown;
        }
        format!("{}… (cut: {} bytes)", shown.chars().take(LONGEST / 8).collect::<String>(), cell.len())
    })
}

fn width(text: &str) -> usize {
    text.chars().count()
}
