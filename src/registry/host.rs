//! What is known about one registry host while we talk to it: its connections, what it wants to be
//! shown, its tokens, and how fast it may be asked.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use super::challenge::Challenge;
use super::credentials::Credential;
use super::manner::Manners;
use super::origin::Origin;
use super::retry::Pause;
use super::token::Tokens;
use crate::error::Error;

/// Requests in flight to a host that answered 429.
const CALM_JOBS: usize = 8;

/// One registry host.
pub(super) struct Host {
    /// As it stands in references.
    pub(super) name: String,
    pub(super) agent: ureq::Agent,
    /// Keeps no connection for a second request.
    pub(super) fresh: ureq::Agent,
    /// What it warned of already.
    pub(super) warned: Mutex<HashSet<String>>,
    /// How it takes uploads.
    pub(super) manners: Manners,
    /// Set by the first contact, which may find out the scheme.
    pub(super) contact: OnceLock<Result<Origin, Arc<Error>>>,
    pub(super) challenge: Mutex<Option<Challenge>>,
    pub(super) tokens: Tokens,
    pub(super) gate: Arc<Gate>,
    pub(super) pause: Pause,
    /// Whether it has the referrers API, or why that cannot be known; held while the first question
    /// finds out.
    pub(super) lists_referrers: Mutex<Option<Result<bool, Arc<Error>>>>,
    /// Given for this host on the command line; goes before any file.
    pub(super) login: Option<Credential>,
}

impl Host {
    pub(super) fn new(
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

    pub(super) fn challenge(&self) -> Option<Challenge> {
        self.challenge.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note_challenge(&self, challenge: Challenge) {
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
    }
}

/// Bounds the requests in flight to one host.
#[derive(Debug)]
pub(super) struct Gate {
    /// How many are in flight, and how many may be.
    state: Mutex<(usize, usize)>,
    left: Condvar,
}

/// Leave to have one request in flight; ends when dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<Gate>);

impl Gate {
    /// Waits for leave. A thread that holds some must not ask for more.
    pub(super) fn enter(self: &Arc<Self>) -> Permit {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |(in_flight, most): &mut (usize, usize)| *in_flight >= *most;
        let mut state = self.left.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        Permit(self.clone())
    }

    /// Fewer at once from now on.
    pub(super) fn calm_down(&self) {
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
