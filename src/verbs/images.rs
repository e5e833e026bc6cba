//! Which images are meant: names that somebody typed, and lists that somebody has. All that is wrong
//! with them is known before anything is asked of a registry.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lists::{self, List, Listed, MAX_LIST, Note};
use crate::oci::{Host, Reference};
use crate::plan::{Origin, Wanted, each_once};

/// Images by name, from wherever the names come.
///
/// ```
/// use oci_bundle::images::Images;
///
/// let mut images = Images::default();
/// images.image("nginx:1.27")?;
/// assert_eq!(images.hosts()[0].as_str(), "docker.io");
/// # Ok::<(), oci_bundle::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Images {
    images: Vec<Wanted>,
    not_taken: Remarks,
    maybe: Remarks,
}

/// What there is to say of lists: each thing once, with everywhere that it stands.
type Remarks = BTreeMap<String, Vec<Origin>>;

/// All errors of one list are told; an image of it is not the place where they stop.
const MOST_FAULTS: usize = 1_000;

impl<I: IntoIterator<Item = Wanted>> From<I> for Images {
    fn from(images: I) -> Self {
        Self { images: images.into_iter().collect(), ..Self::default() }
    }
}

impl Images {
    /// An image as it is typed: `docker://` and `oci://` in front mean nothing.
    ///
    /// # Errors
    /// The text is no name of an image.
    pub fn image(&mut self, text: &str) -> Result<()> {
        let reference = List::typed(text).map_err(Error::usage)?;
        self.images.push(reference.into());
        Ok(())
    }

    /// All images that a list names: a file in any of the formats that people have, or `-` for standard
    /// input.
    ///
    /// # Errors
    /// The file cannot be read, or everything in it that is wrong, with the lines.
    pub fn list(&mut self, path: &Path) -> Result<(), Vec<Error>> {
        let is_stdin = path.as_os_str() == "-";
        let name = if is_stdin { PathBuf::from("standard input") } else { path.to_owned() };
        let mut bytes = Vec::new();
        let read = match is_stdin {
            true => io::stdin().lock().take(MAX_LIST + 1).read_to_end(&mut bytes).map_err(Error::disk("read", &name)),
            false => File::open(path)
                .map_err(Error::typed("open", path))
                .and_then(|file| file.take(MAX_LIST + 1).read_to_end(&mut bytes).map_err(Error::disk("read", path))),
        };
        read.map_err(|e| vec![e])?;
        self.take(&name, lists::read(&bytes))
    }

    fn take(&mut self, name: &Path, list: List) -> Result<(), Vec<Error>> {
        let origin = |line| Origin::Line(name.to_owned(), line);
        let remark = |remarks: &mut Remarks, note: Note| {
            remarks.entry(note.text).or_default().push(origin(note.line));
        };
        list.left.into_iter().for_each(|note| remark(&mut self.not_taken, note));
        list.maybe.into_iter().for_each(|note| remark(&mut self.maybe, note));
        for Listed { reference, line, platforms, .. } in list.images {
            if !platforms.is_empty() {
                let text = "a platform for some images: all of their platforms are taken";
                remark(&mut self.not_taken, Note { line, text: text.into() });
            }
            self.images.push(Wanted { reference, origins: vec![origin(line)] });
        }
        let more = list.faults.len().saturating_sub(MOST_FAULTS);
        let faults = list.faults.into_iter().take(MOST_FAULTS);
        let mut errors: Vec<Error> = faults.map(|fault| Error::usage(fault.text).at(origin(fault.line))).collect();
        if more > 0 {
            errors.push(Error::usage(format!("{more} more faults")).at(name.display()));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// What the lists have besides images and is not taken, each thing with the places where it stands.
    pub fn not_taken(&self) -> Vec<(&str, &[Origin])> {
        self.not_taken.iter().map(|(text, origins)| (text.as_str(), origins.as_slice())).collect()
    }

    /// What in the lists looks like a name of an image and may be none, and is not taken.
    pub fn maybe(&self) -> Vec<(&str, &[Origin])> {
        let taken: BTreeSet<String> = self.images.iter().map(|wanted| wanted.reference.name()).collect();
        let is_new = |text: &str| text.parse::<Reference>().is_ok_and(|reference| !taken.contains(&reference.name()));
        let all = self.maybe.iter().filter(|(text, _)| is_new(text));
        all.map(|(text, origins)| (text.as_str(), origins.as_slice())).collect()
    }

    /// The registries that are asked for them, each once.
    pub fn hosts(&self) -> Vec<Host> {
        let hosts: BTreeSet<&Host> = self.images.iter().map(|one| one.reference.repository.host()).collect();
        hosts.into_iter().cloned().collect()
    }

    /// Each image once, in the order of their names.
    ///
    /// # Errors
    /// There is none, or names with two contents.
    pub(crate) fn each_once(&self) -> Result<Vec<Wanted>, Vec<Error>> {
        each_once(self.images.iter().cloned())
    }
}
