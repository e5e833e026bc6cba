//! What is known about one registry host while we talk to it: its connections, what it wants to be
//! shown, its tokens, and how fast it may be asked.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use super::auth::challenge::Challenge;
use super::auth::credentials::Credential;
use super::manner::Manners;
use super::origin::Origin;
use super::retry::Pause;
use super::auth::token::Tokens;
use crate::error::Error;

/// Requests in flight to a host that answered 429.
const CALM_JOBS: usize = 8;

/// One registry host.
pub(crate) struct Host {
    /// As it stands in references.
    pub(crate) name: String,
    pub(crate) agent: ureq::Agent,
    /// Keeps no connection for a second request.
    pub(crate) fresh: ureq::Agent,
    /// What it warned of already.
    pub(crate) warned: Mutex<HashSet<String>>,
    /// How it takes uploads.
    pub(crate) manners: Manners,
    /// Set by the first contact, which may find out the scheme.
    pub(crate) contact: OnceLock<Result<Origin, Arc<Error>>>,
    pub(crate) challenge: Mutex<Option<Challenge>>,
    pub(crate) tokens: Tokens,
    pub(crate) gate: Arc<Gate>,
    pub(crate) pause: Pause,
    /// Whether it has the referrers API, or why that cannot be known; held while the first question
    /// finds out.
    pub(crate) lists_referrers: Mutex<Option<Result<bool, Arc<Error>>>>,
    /// Given for this host on the command line; goes before any file.
    pub(crate) login: Option<Credential>,
}

impl Host {
    pub(crate) fn new(
        name: &str,
        agent: ureq::Agent,
        fresh: ureq::Agent,
        jobs: usize,
        login: Option<Credential>,
    ) -> Self {
        Self {
            name: name.into(),
            agent,
            fresh,
            warned: Mutex::default(),
            manners: Manners::default(),
            contact: OnceLock::new(),
            challenge: Mutex::default(),
            tokens: Tokens::default(),
            gate: Arc::new(Gate { state: Mutex::new((0, jobs.max(1))), left: Condvar::new() }),
            pause: Pause::default(),
            lists_referrers: Mutex::default(),
            login,
        }
    }

    pub(crate) fn challenge(&self) -> Option<Challenge> {
        self.challenge.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note_challenge(&self, challenge: Challenge) {
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
    }
}

/// Bounds the requests in flight to one host.
#[derive(Debug)]
pub(crate) struct Gate {
    /// How many are in flight, and how many may be.
    state: Mutex<(usize, usize)>,
    left: Condvar,
}

/// Leave to have one request in flight; ends when dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Gate>);

impl Gate {
    /// Waits for leave. A thread that holds some must not ask for more.
    pub(crate) fn enter(self: &Arc<Self>) -> Permit {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |(in_flight, most): &mut (usize, usize)| *in_flight >= *most;
        let mut state = self.left.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        Permit(self.clone())
    }

    /// Fewer at once from now on.
    pub(crate) fn calm_down(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = state.1.min(CALM_JOBS);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).0 -= 1;
        self.0.left.notify_one();
    }
}
