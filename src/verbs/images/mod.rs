//! Which images are meant: names that somebody typed, lists that somebody has, tags of repositories. All that is
//! wrong with them is known before anything is asked of a registry.

mod listed;
mod settled;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::lists::List;
use crate::oci::{Host, Invalid, Reference, Repository};
use crate::plan::{Mirror, Narrowed, Origin, Pattern, Tags, Wanted, each_once};

/// Images by name, from wherever the names come.
///
/// ```
/// use oci_bundle::images::Images;
///
/// let mut images = Images::default();
/// images.image("nginx:1.27")?;
/// images.tags("quay.io/org/app=1.*")?;
/// assert_eq!(images.hosts()[0].as_str(), "docker.io");
/// # Ok::<(), oci_bundle::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Images {
    named: Vec<Wanted>,
    tags: Vec<Tags>,
    narrowed: Narrowed,
    excluded: Vec<Pattern>,
    mirrors: Vec<Mirror>,
    not_taken: Remarks,
    maybe: Remarks,
    platforms: Remarks,
    /// The files that they come from.
    files: Vec<PathBuf>,
}

/// What there is to say of lists: each thing once, with everywhere that it stands.
type Remarks = BTreeMap<String, Vec<Origin>>;

impl<I: IntoIterator<Item = Wanted>> From<I> for Images {
    fn from(images: I) -> Self {
        Self { named: images.into_iter().collect(), ..Self::default() }
    }
}

impl Images {
    /// An image as it is typed: `docker://` and `oci://` in front mean nothing.
    ///
    /// # Errors
    /// The text is no name of an image.
    pub fn image(&mut self, text: &str) -> Result<()> {
        self.named.push(List::typed(text).map_err(Error::usage)?.into());
        Ok(())
    }

    /// All tags of a repository. Tags that are made from digests come along with what they belong to.
    ///
    /// # Errors
    /// The text is no name of a repository.
    pub fn all_tags(&mut self, repository: &str) -> Result<()> {
        let repository = repository_of(repository).map_err(|e| about("--all-tags", e))?;
        self.tags.push(Tags::all(repository, Origin::Argument));
        Ok(())
    }

    /// The tags of a repository that match a glob: `REPO=GLOB`.
    ///
    /// # Errors
    /// The text is not that.
    pub fn tags(&mut self, text: &str) -> Result<()> {
        let parts = text.split_once('=').ok_or_else(|| Error::usage(format!("--tags {text}: it is REPO=GLOB")))?;
        let repository = repository_of(parts.0).map_err(|e| about("--tags", e))?;
        let glob = Some(parts.1.parse().map_err(|e| about("--tags", e))?);
        self.tags.push(Tags { glob, ..Tags::all(repository, Origin::Argument) });
        Ok(())
    }

    /// Those that are named, each once.
    ///
    /// # Errors
    /// None is, or names have two contents.
    pub(crate) fn named(&self) -> Result<Vec<Wanted>, Vec<Error>> {
        each_once(self.named.iter().cloned())
    }

    /// The files that lists come from.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Of the tags of each repository only so many, from the highest version down.
    pub fn newest(&mut self, most: usize) {
        self.narrowed.newest = Some(most);
    }

    /// Of the tags of each repository only versions in this range.
    ///
    /// # Errors
    /// The text is no range.
    pub fn semver(&mut self, range: &str) -> Result<()> {
        self.narrowed.range = Some(range.parse().map_err(|e| about("--semver", e))?);
        Ok(())
    }

    /// Not the images whose names match this glob, whoever asks for them.
    ///
    /// # Errors
    /// The text is no glob.
    pub fn exclude(&mut self, glob: &str) -> Result<()> {
        self.excluded.push(glob.parse().map_err(|e| about("--exclude", e))?);
        Ok(())
    }

    /// `PREFIX=MIRROR`: what is named PREFIX is fetched from MIRROR, with all that belongs to it, and keeps its
    /// name. The longest prefix counts.
    ///
    /// # Errors
    /// The text is not that, or the prefix has a mirror already.
    pub fn source(&mut self, text: &str) -> Result<()> {
        let mirror: Mirror = text.parse().map_err(|e: Invalid| Error::usage(format!("--source {text}: {e}")))?;
        if self.mirrors.iter().any(|other| other.from == mirror.from) {
            return Err(Error::usage(format!("--source {text}: {} has a mirror already", mirror.from)));
        }
        self.mirrors.push(mirror);
        Ok(())
    }

    /// What the lists have besides images and is not taken, each thing with the places where it stands.
    pub fn not_taken(&self) -> Vec<(&str, &[Origin])> {
        self.not_taken.iter().map(|(text, origins)| (text.as_str(), origins.as_slice())).collect()
    }

    /// The platforms that the lists name for single images or repositories, each with the places where they stand.
    pub fn platforms(&self) -> Vec<(&str, &[Origin])> {
        self.platforms.iter().map(|(text, origins)| (text.as_str(), origins.as_slice())).collect()
    }

    /// What in the lists looks like a name of an image and may be none, and is not taken.
    pub fn maybe(&self) -> Vec<(&str, &[Origin])> {
        let taken: BTreeSet<String> = self.named.iter().map(|wanted| wanted.reference.name()).collect();
        let is_new = |text: &str| text.parse::<Reference>().is_ok_and(|reference| !taken.contains(&reference.name()));
        let all = self.maybe.iter().filter(|(text, _)| is_new(text));
        all.map(|(text, origins)| (text.as_str(), origins.as_slice())).collect()
    }

    /// The registries that are asked for them, each once.
    pub fn hosts(&self) -> Vec<Host> {
        let named = self.named.iter().map(|wanted| &wanted.source.as_ref().unwrap_or(&wanted.reference).repository);
        let repositories = named.chain(self.tags.iter().map(|tags| &tags.repository));
        let hosts: BTreeSet<Host> = repositories
            .filter_map(|repository| match Mirror::of(&self.mirrors, repository) {
                Ok(Some(mirrored)) => Some(mirrored.host().clone()),
                Ok(None) => Some(repository.host().clone()),
                Err(_) => None,
            })
            .collect();
        hosts.into_iter().collect()
    }
}

/// A repository as it is typed.
fn repository_of(text: &str) -> Result<Repository, Invalid> {
    let reference = List::typed(text).map_err(Invalid::new)?;
    let path = text.rsplit('/').next().unwrap_or_default();
    match path.contains([':', '@']) {
        true => Err(Invalid::new(format!("`{text}`: a repository has no tag and no digest"))),
        false => Ok(reference.repository),
    }
}

fn about(flag: &str, error: Invalid) -> Error {
    Error::usage(format!("{flag}: {error}"))
}
