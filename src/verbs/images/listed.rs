//! Lists that somebody has: read from a file or from standard input, with everything wrong said at once.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Images, Remarks};
use crate::archive::{InventoryJson, MAX_INVENTORY};
use crate::error::{Error, NextStep, Result};
use crate::lists::{self, List, Listed, MAX_LIST, Note};
use crate::oci::{Invalid, Reference, has_mark};
use crate::plan::{Origin, Platforms, Tags, Wanted, expression};

/// So many errors of one list are told.
const MOST_FAULTS: usize = 1_000;

impl Images {
    /// All images that a list names: a file in any of the formats that people have, or `-` for standard input.
    ///
    /// # Errors
    /// The file cannot be read, or everything in it that is wrong, with the lines.
    pub fn list(&mut self, path: &Path) -> Result<(), Vec<Error>> {
        let (name, read) = match path.as_os_str() == "-" {
            true => (PathBuf::from("standard input"), read(io::stdin().lock())),
            false => {
                if path.is_dir() {
                    return Err(vec![Error::usage(format!("{}: a directory, and no list of images", path.display()))]);
                }
                let file = File::open(path).map_err(Error::typed("open", path)).map_err(|e| vec![e])?;
                self.files.push(path.to_owned());
                (path.to_owned(), read(file))
            }
        };
        let bytes = read.map_err(|e| vec![Error::disk("read", &name)(e)])?;
        if is_inventory(&bytes) {
            return self.take_inventory(&name, &bytes).map_err(|e| vec![e.at(name.display())]);
        }
        self.take(&name, lists::read(&bytes))
    }

    /// What is somewhere is what may be wanted again, by name and digest (`docs/format.md`, "Inventories").
    fn take_inventory(&mut self, name: &Path, bytes: &[u8]) -> Result<()> {
        let next = has_mark(bytes).then_some(NextStep::SaveWithoutMark);
        let inventory = InventoryJson::parse(bytes).map_err(|e| Error::Usage { message: e.to_string(), next })?;
        for (image, digest) in inventory.images {
            let reference = Reference { digest: Some(digest), ..image.parse()? };
            self.named.push(Wanted { origins: vec![Origin::Line(name.to_owned(), 0)], ..Wanted::from(reference) });
        }
        Ok(())
    }

    fn take(&mut self, name: &Path, mut list: List) -> Result<(), Vec<Error>> {
        let origin = |line| Origin::Line(name.to_owned(), line);
        let remark = |remarks: &mut Remarks, note: Note| {
            remarks.entry(note.text).or_default().push(origin(note.line));
        };
        let mut blocked = Vec::new();
        for Note { line, text } in &list.blocked {
            match expression(text) {
                Ok(expression) => blocked.push(expression),
                Err(e) => list.faults.push(Note { line: *line, text: e.to_string() }),
            }
        }
        for wanted in list.repositories {
            let line = wanted.line;
            match conditions(wanted, origin(line)) {
                Ok(tags) => {
                    if tags.platforms.are_chosen() {
                        remark(&mut self.platforms, Note { line, text: tags.platforms.to_string() });
                    }
                    self.tags.push(tags);
                }
                Err(e) => list.faults.push(Note { line, text: e.to_string() }),
            }
        }
        list.left.into_iter().for_each(|note| remark(&mut self.not_taken, note));
        list.maybe.into_iter().for_each(|note| remark(&mut self.maybe, note));
        for Listed { reference, line, source, platforms } in list.images {
            let names = [reference.to_string(), reference.name()];
            if blocked.iter().any(|blocked| names.iter().any(|name| blocked.is_match(name))) {
                remark(&mut self.not_taken, Note { line, text: format!("{reference}: blocked by the list itself") });
                continue;
            }
            match chosen(&platforms) {
                Ok(platforms) => {
                    if platforms.are_chosen() {
                        remark(&mut self.platforms, Note { line, text: platforms.to_string() });
                    }
                    self.named.push(Wanted { reference, origins: vec![origin(line)], source, platforms });
                }
                Err(e) => list.faults.push(Note { line, text: e.to_string() }),
            }
        }
        list.faults.sort_by_key(|fault| fault.line);
        let more = list.faults.len().saturating_sub(MOST_FAULTS);
        let faults = list.faults.into_iter().take(MOST_FAULTS);
        let mut errors: Vec<Error> = faults.map(|fault| Error::usage(fault.text).at(origin(fault.line))).collect();
        if more > 0 {
            errors.push(Error::usage(format!("{more} more faults")).at(name.display()));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// All of it, and one byte more than any may have.
fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_LIST.max(MAX_INVENTORY) + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether it is meant to be an inventory, which may be longer than other lists and has rules of its own.
fn is_inventory(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{') && text.contains("\"inventoryVersion\"")
}

/// The platforms that a list names for an image; all where it names none.
fn chosen(platforms: &[String]) -> Result<Platforms, Invalid> {
    platforms.iter().map(|text| text.parse::<Platforms>()).collect()
}

/// What a list wants of a repository, with everything that it says compiled.
fn conditions(wanted: lists::Tags, origin: Origin) -> Result<Tags, Invalid> {
    let expressions =
        |texts: Vec<String>| texts.iter().map(|text| expression(text)).collect::<Result<Vec<_>, Invalid>>();
    Ok(Tags {
        allow: expressions(wanted.allow)?,
        deny: expressions(wanted.deny)?,
        ranges: wanted.versions.iter().map(|range| range.parse()).collect::<Result<_, Invalid>>()?,
        newest: wanted.newest,
        platforms: chosen(&wanted.platforms)?,
        ..Tags::all(wanted.repository, origin)
    })
}
