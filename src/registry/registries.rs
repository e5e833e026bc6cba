//! `Registries`: all registries of one run, and what is remembered of them meanwhile. As a source and
//! as a target it is in `pull`, `push` and `listing`.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use url::Url;

use super::options::RegistryOptions;
use super::transport::Transport;
use super::wire::origin::Origin;
use crate::error::{Error, Result};
use crate::oci::{Digest, Host, Repository};
use crate::store::{Place, Watch};

/// Upload sessions that are open and not used yet.
pub(super) type Sessions = HashMap<Repository, Vec<Url>>;
/// The tags of a repository that are made from digests; `None` where they cannot be listed.
pub(super) type DigestTags = Arc<OnceLock<Option<HashSet<String>>>>;
/// By layer, how many of its `urls` were read from, and which those are.
pub(super) type UrlTurns = HashMap<Digest, (usize, String)>;

/// A repository as it is named, and the one that is asked in its place, mostly itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) named: Repository,
    pub(super) asked: Repository,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.named == self.asked {
            true => write!(f, "{}", self.named),
            false => write!(f, "{} (from {})", self.named, self.asked),
        }
    }
}

/// All registries of one run, as a source and as a target.
pub(crate) struct Registries {
    pub(super) transport: Transport,
    /// Repositories that content was found in: their numbers are the places given out.
    located: Mutex<Vec<Located>>,
    /// Only where layers may be taken from other addresses than the registry's.
    pub(super) layer_urls: Option<Mutex<UrlTurns>>,
    /// The registry that content is copied to.
    pub(super) target: Option<(Host, Origin)>,
    sessions: Mutex<Sessions>,
    /// Blobs that the target has by name, in the wrong length.
    suspects: Mutex<HashSet<(Repository, Digest)>>,
    /// Held while an index of referrers is changed.
    pub(super) referrers: Mutex<()>,
    /// Listed when first asked for.
    pub(super) digest_tags: Mutex<HashMap<Repository, DigestTags>>,
}

impl Registries {
    /// Makes ready; nothing is contacted yet.
    ///
    /// # Errors
    /// When a certificate or credential file that was named cannot be used.
    pub(crate) fn new(options: RegistryOptions, watch: Arc<dyn Watch>) -> Result<Self> {
        Ok(Self {
            transport: Transport::new(options, watch)?,
            located: Mutex::default(),
            layer_urls: None,
            target: None,
            sessions: Mutex::default(),
            suspects: Mutex::default(),
            referrers: Mutex::default(),
            digest_tags: Mutex::default(),
        })
    }

    /// A source for what goes to this host of these registries: content that lies there already need not move.
    ///
    /// # Errors
    /// When there is no contact with the host.
    pub(crate) fn copied_to(self, target: &Self, host: &Host) -> Result<Self> {
        let origin = target.transport.peer(host)?.origin().clone();
        Ok(Self { target: Some((host.clone(), origin)), ..self })
    }

    /// The place that a repository is, given out once it is known.
    pub(super) fn place(&self, repository: &Repository) -> Place {
        self.place_for(repository, repository)
    }

    /// The place of what is named so and was found there.
    pub(super) fn place_for(&self, named: &Repository, asked: &Repository) -> Place {
        let mut known = self.located.lock().unwrap_or_else(PoisonError::into_inner);
        let number = known.iter().position(|l| l.asked == *asked && l.named == *named).unwrap_or_else(|| {
            known.push(Located { named: named.clone(), asked: asked.clone() });
            known.len() - 1
        });
        Place::new(number)
    }

    /// The repository that a place is.
    pub(super) fn repository(&self, place: Place) -> Result<Repository> {
        self.located(place).map(|located| located.asked)
    }

    /// The same, with the name that it goes by.
    pub(super) fn located(&self, place: Place) -> Result<Located> {
        let known = self.located.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else gives out places of ours.
        known.get(place.number()).cloned().ok_or_else(|| Error::content("no such repository"))
    }

    /// The first place on the host of this one.
    pub(super) fn first_of_host(&self, place: Place) -> Place {
        let known = self.located.lock().unwrap_or_else(PoisonError::into_inner);
        let host = known.get(place.number()).map(|located| located.asked.host());
        Place::new(known.iter().position(|l| Some(l.asked.host()) == host).unwrap_or(place.number()))
    }

    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn suspects(&self) -> MutexGuard<'_, HashSet<(Repository, Digest)>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
