//! From what is meant to names: checked before anything is asked, then with the tags that there are.

use std::collections::BTreeMap;

use super::Images;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Reference, Repository, Tag};
use crate::plan::{Mirror, Origin, Pattern, Tags, Wanted, each_once};
use crate::registry::Registries;
use crate::store::{Event, Watch, side_by_side};

impl Images {
    /// That it can be carried out, as far as that is known without asking anybody.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(&self) -> Result<(), Vec<Error>> {
        let mut errors = Vec::new();
        let narrows = self.narrowed.newest.is_some() || self.narrowed.range.is_some();
        if narrows && self.tags.is_empty() {
            let what = "--newest and --semver choose among the tags of --all-tags, --tags or a list";
            errors.push(Error::usage(format!("{what}, and nothing here asks for such")));
        }
        if self.narrowed.newest == Some(0) {
            errors.push(Error::usage("--newest 0 is no tag at all"));
        }
        let repositories: Vec<&Repository> = self.repositories().collect();
        for mirror in &self.mirrors {
            if !repositories.iter().any(|repository| mirror.from.covers(repository)) {
                let mut hosts: Vec<&str> = repositories.iter().map(|repository| repository.host().as_str()).collect();
                hosts.sort_unstable();
                hosts.dedup();
                let from = &mirror.from;
                let hosts = hosts.join(", ");
                errors
                    .push(Error::usage(format!("--source {mirror}: nothing here comes from {from}, but from {hosts}")));
            }
        }
        for repository in repositories {
            errors.extend(Mirror::of(&self.mirrors, repository).err().map(|e| Error::from(e).at(repository)));
        }
        match self.named.is_empty() && !self.tags.is_empty() {
            true => {}
            false => errors.extend(self.merged(self.named.clone()).err().into_iter().flatten()),
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Everything that is meant, each once, in the order of the names.
    ///
    /// # Errors
    /// Tags that cannot be listed, or of which none is meant; and what [`Images::check`] says.
    pub(crate) fn settle(
        &self,
        registries: &Registries,
        jobs: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<Wanted>, Vec<Error>> {
        self.check()?;
        let mut wanted = self.named.clone();
        let mut errors = Vec::new();
        let mut asked: BTreeMap<&Repository, Vec<&Tags>> = BTreeMap::new();
        self.tags.iter().for_each(|tags| asked.entry(&tags.repository).or_default().push(tags));
        if !asked.is_empty() {
            watch.on(Event::Phase { name: "listing tags", items: asked.len() as u64, bytes: 0 });
        }
        let lists =
            side_by_side(asked.into_iter().collect(), jobs, |(repository, wishes): (&Repository, Vec<&Tags>)| {
                let mirror = Mirror::of(&self.mirrors, repository).map_err(Error::from);
                let listed = mirror.and_then(|mirror| {
                    let listed = registries.tags(mirror.as_ref().unwrap_or(repository));
                    listed.map_err(|e| match &mirror {
                        Some(mirror) => e.at(format!("{repository} (from {mirror})")),
                        None => e.at(repository),
                    })
                });
                (wishes, listed)
            });
        if let Some(signal) = watch.stopped() {
            return Err(vec![Error::Interrupted { signal }]);
        }
        for (wishes, listed) in lists {
            match listed {
                Ok(listed) => wishes.into_iter().for_each(|tags| match self.chosen(tags, &listed) {
                    Ok(chosen) => wanted.extend(chosen),
                    Err(e) => errors.push(e),
                }),
                Err(e) => errors.extend(wishes.first().map(|tags| wanted_by(&tags.origin, e))),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for pattern in &self.excluded {
            if !wanted.iter().any(|wanted| pattern_fits(pattern, &wanted.reference)) {
                let message = format!("--exclude {}: no image here has such a name", pattern.as_str());
                watch.on(Event::Warning { message: &message });
            }
        }
        self.merged(wanted)
    }

    /// Each of them once, without those that are excluded, and with the place where it is fetched.
    fn merged(&self, mut wanted: Vec<Wanted>) -> Result<Vec<Wanted>, Vec<Error>> {
        let before = wanted.len();
        wanted.retain(|wanted| !self.excluded.iter().any(|pattern| pattern_fits(pattern, &wanted.reference)));
        if wanted.is_empty() && before > 0 {
            return Err(vec![Error::usage("--exclude leaves no image")]);
        }
        let mut wanted = each_once(wanted)?;
        for one in &mut wanted {
            let asked = one.source.as_ref().unwrap_or(&one.reference);
            match Mirror::of_image(&self.mirrors, asked) {
                Ok(Some(mirrored)) => one.source = Some(mirrored),
                Ok(None) => {}
                Err(e) => return Err(vec![Error::from(e).at(&one.reference)]),
            }
        }
        Ok(wanted)
    }

    fn repositories(&self) -> impl Iterator<Item = &Repository> {
        let named = self.named.iter().map(|wanted| &wanted.source.as_ref().unwrap_or(&wanted.reference).repository);
        named.chain(self.tags.iter().map(|tags| &tags.repository))
    }

    /// The images under the tags that are meant.
    fn chosen(&self, tags: &Tags, listed: &[Tag]) -> Result<Vec<Wanted>> {
        let chosen = tags.choose(listed.to_vec(), &self.narrowed);
        if chosen.is_empty() {
            let (count, what) = (listed.len(), tags.what(&self.narrowed));
            let error = Error::refused(format!("none of its {count} tags is {what}"), NextStep::CheckName);
            return Err(wanted_by(&tags.origin, error.at(&tags.repository)));
        }
        let named = |tag| Reference { repository: tags.repository.clone(), tag: Some(tag), digest: None };
        let wanted = |tag| Wanted {
            reference: named(tag),
            origins: vec![tags.origin.clone()],
            source: None,
            platforms: tags.platforms.clone(),
        };
        Ok(chosen.into_iter().map(wanted).collect())
    }
}

/// Says which line it is about.
fn wanted_by(origin: &Origin, error: Error) -> Error {
    match origin {
        Origin::Argument => error,
        line => error.at(line),
    }
}

/// Whether a glob is for this image: its whole name, without the tag, or as Docker shortens it.
fn pattern_fits(pattern: &Pattern, image: &Reference) -> bool {
    let names = [image.to_string(), image.name(), image.repository.to_string()];
    names.iter().any(|name| {
        let short = name.strip_prefix("docker.io/");
        let shorter = short.and_then(|short| short.strip_prefix("library/"));
        [Some(name.as_str()), short, shorter].into_iter().flatten().any(|name| pattern.fits(name))
    })
}
