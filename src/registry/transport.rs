//! The one place where a request is sent, and sent again: authorization, redirects, pauses, limits
//! and timeouts are decided here, for every request to every registry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use url::Url;

use super::auth::challenge::choose;
use super::auth::credentials::Credentials;
use super::auth::scope::Scope;
use super::capabilities::Feature;
use super::load::{is_load, is_sign_of_load, passes};
use super::options::{RegistryOptions, Retry};
use super::peer::Peer;
use super::retry::{pause_for, wait_before_repeating};
use super::wire::env::of_process;
use super::wire::exchange::{Exchange, Method, Request, Response};
use super::wire::gate::Permit;
use super::wire::origin::{Origin, Purpose};
use super::wire::pace::Limiter;
use super::wire::proxy::Proxies;
use super::wire::tls::Tls;
use crate::error::{Error, Kind, NextStep, Result};
use crate::store::{Event, Watch};

/// Hops from a registry to where its content lies.
const MOST_REDIRECTS: u32 = 5;

/// On what terms a request is sent.
#[derive(Clone, Copy)]
pub(super) enum Terms<'a> {
    /// To a host that nothing is known of yet, which may turn out to be there. Its challenge is the
    /// answer.
    Contact(&'a Origin),
    /// To anybody, for a layer of this registry: nothing is shown, whatever is asked for.
    Layer(&'a Origin),
    /// To a registry, for this.
    Registry(&'a Scope),
    /// To a token server, which is shown what the request holds already; no redirect of its is
    /// followed, since it gets credentials.
    Token,
}

/// Sends requests to any number of registries.
pub(super) struct Transport {
    pub(super) options: RegistryOptions,
    pub(super) watch: Arc<dyn Watch>,
    pub(super) credentials: Arc<Credentials>,
    pub(super) tls: Tls,
    limiter: Option<Arc<Limiter>>,
    pub(super) proxies: Proxies,
    pub(super) peers: Mutex<HashMap<String, Arc<Peer>>>,
}

impl Transport {
    pub(super) fn new(options: RegistryOptions, watch: Arc<dyn Watch>) -> Result<Self> {
        let env = &of_process;
        let tls = if options.only_named { Tls::load_named(&options.tls, env)? } else { Tls::load(&options.tls, env)? };
        let credentials = match (options.only_named, &options.authfile) {
            (true, None) => Credentials::default(),
            (_, authfile) => Credentials::load(authfile.as_deref(), options.strict_credential_files, env)?,
        };
        for message in credentials.warnings() {
            watch.on(Event::Warning { message });
        }
        let limiter = options.limit_rate.map(|rate| Arc::new(Limiter::new(rate)));
        let proxies = Proxies::from_env(env)?;
        let credentials = Arc::new(credentials);
        Ok(Self { options, watch, credentials, tls, limiter, proxies, peers: Mutex::default() })
    }

    /// A URL of a registry in contact; `path` starts with `v2/`.
    pub(super) fn url(&self, peer: &Peer, path: &str) -> Url {
        peer.origin().url(path)
    }

    /// Leave to upload one blob, which covers all requests that it takes.
    pub(super) fn leave_to_upload(&self, peer: &Peer) -> Permit {
        peer.uploads.enter()
    }

    /// Sends a request until it has an answer worth looking at.
    ///
    /// # Errors
    /// No answer, or none but failures that pass, within all retries. Other statuses are answers.
    pub(super) fn send(&self, peer: &Peer, scope: &Scope, request: Request<'_>) -> Result<Response> {
        self.send_on(peer, Terms::Registry(scope), request)
    }

    /// The same to a stranger who serves a layer of `registry`, without any credentials.
    ///
    /// # Errors
    /// As for [`Transport::send`].
    pub(super) fn send_to_stranger(&self, peer: &Peer, registry: &Origin, request: Request<'_>) -> Result<Response> {
        self.send_on(peer, Terms::Layer(registry), request)
    }

    /// The one loop that every request goes through.
    pub(super) fn send_on(&self, peer: &Peer, terms: Terms<'_>, mut request: Request<'_>) -> Result<Response> {
        let retry = if request.once { Retry { times: 0, ..self.options.retry } } else { self.options.retry };
        let load = |permit: Option<&Permit>, failure: &Error, request: &Request<'_>| {
            is_load(peer, permit, failure, request, self.watch.as_ref())
        };
        let (mut stale, mut tries, mut unauthorized, started) = (None, 0, None, Instant::now());
        loop {
            peer.pause.wait(self.watch.as_ref())?;
            let authorization = match terms {
                Terms::Registry(scope) if unauthorized.is_none() => {
                    match self.authorization(peer, scope, stale.as_deref(), request.has_leave) {
                        // Asked without any, the repository may name a token server of its own.
                        Err(e) if peer.authority.goes_by_the_first_contact(scope)? => {
                            unauthorized = Some(e);
                            None
                        }
                        answer => answer?,
                    }
                }
                Terms::Registry(_) | Terms::Contact(_) | Terms::Layer(_) | Terms::Token => None,
            };
            if let (Terms::Registry(scope), Some(_)) = (terms, &authorization) {
                self.say_whose(peer, scope);
            }
            let permit = (!request.has_leave).then(|| peer.gate.enter());
            let excused;
            let failure = match self.follow(peer, terms, &mut request, authorization.as_deref()) {
                Ok(response) if unauthorized.is_some() && peer.authority.is_refused_too(&response) => {
                    // What the token server said is the reason; the answer came to nobody.
                    return unauthorized.map_or(Ok(response), Err);
                }
                Ok(mut response) if self.is_new_challenge(terms, &response, stale.as_deref(), peer)? => {
                    // A token of nobody is worth one more try too: the challenge may name its scope.
                    let used = authorization.as_deref().and_then(|a| a.split_once(' ')).map(|(_, token)| token);
                    stale = Some(used.unwrap_or_default().to_owned());
                    unauthorized = None;
                    response.drain();
                    drop(permit);
                    request.rewind()?;
                    continue;
                }
                Ok(mut response) if !response.is_worth_repeating(&request) => {
                    permit.iter().for_each(Permit::answered);
                    if let (Terms::Registry(scope), true) = (terms, authorization.is_some() && response.status < 400) {
                        peer.authority.accepted(scope)?;
                    }
                    if let (Terms::Registry(scope), 401 | 403) = (terms, response.status)
                        && (authorization.is_some() || !response.challenges().is_empty())
                    {
                        response.whose = Some(peer.authority.whose(scope));
                    }
                    return Ok(response.with(permit));
                }
                Ok(mut response) => {
                    // Storage and token servers speak for themselves alone.
                    let is_own = response.is_registry && !matches!(terms, Terms::Token);
                    if response.status == 429 && is_own {
                        peer.calm_down();
                    }
                    let header = response.header("retry-after").map(str::to_owned);
                    let failure = response.failure(&request.shown);
                    excused = header.is_none() && load(permit.as_ref(), &failure, &request);
                    drop((response, permit));
                    if tries < retry.times || excused {
                        let delay = retry.delay(tries);
                        let whose = if is_own { &peer.name } else { request.url.host_str().unwrap_or(&peer.name) };
                        let wait = pause_for(whose, &failure, header.as_deref(), delay, self.watch.as_ref())?;
                        match header {
                            Some(_) if is_own => peer.pause.set(wait),
                            _ if request.is_repeatable() => {
                                let attempt = (tries + 1, retry.times);
                                wait_before_repeating(whose, attempt, wait, &failure, self.watch.as_ref())?;
                            }
                            _ => {}
                        }
                    }
                    failure
                }
                Err(failure) => {
                    excused = load(permit.as_ref(), &failure, &request);
                    drop(permit);
                    let passes = failure.kind() == Kind::Transient && request.is_repeatable();
                    // A connection that idled may have been closed by the other side just now: the
                    // first repetition costs nothing and waits for nothing.
                    if passes && (excused || (tries > 0 && tries < retry.times)) {
                        let (attempt, wait) = ((tries + 1, retry.times), retry.delay(tries));
                        wait_before_repeating(&peer.name, attempt, wait, &failure, self.watch.as_ref())?;
                    }
                    failure
                }
            };
            tries += u32::from(!excused);
            // Whoever sends a blob gives his leave back first.
            let is_his = request.has_leave && request.writes && is_sign_of_load(&failure, &request);
            if !passes(&failure, &request) || tries > retry.times || !request.is_repeatable() || is_his {
                return Err(failure.after(tries, started.elapsed()));
            }
            self.watch.on(Event::Repeating { host: &peer.name, reason: &failure.to_string() });
            request.rewind()?;
        }
    }

    /// Says whose credentials are shown, once for each.
    fn say_whose(&self, peer: &Peer, scope: &Scope) {
        if peer.said_whose.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.repository.clone()) {
            let words = peer.authority.whose(scope).words;
            if peer.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(words.clone()) {
                self.watch.on(Event::Learned { host: &peer.name, what: &words });
            }
        }
    }

    /// Whether the answer says what to show, and that has not been tried yet.
    fn is_new_challenge(
        &self,
        terms: Terms<'_>,
        response: &Response,
        stale: Option<&str>,
        peer: &Peer,
    ) -> Result<bool> {
        let Terms::Registry(scope) = terms else { return Ok(false) };
        if response.status != 401 || !response.is_registry || stale.is_some() {
            return Ok(false);
        }
        match choose(response.challenges().iter().map(String::as_str)) {
            Some(challenge) => peer.authority.challenged(peer.origin(), scope, challenge).map(|()| true),
            None => Ok(false),
        }
    }

    /// What to show for a request of this scope. Whoever has leave for the request has it for asking a
    /// token server too: he may hold all the leave that there is.
    fn authorization(
        &self,
        peer: &Peer,
        scope: &Scope,
        stale: Option<&str>,
        has_leave: bool,
    ) -> Result<Option<String>> {
        let send = |mut request: Request<'_>| {
            request.has_leave = has_leave;
            self.send_on(peer, Terms::Token, request)
        };
        peer.authority.authorization(peer.origin(), scope, stale, &send)
    }

    /// Sends once, and follows where the content of a GET or HEAD lies.
    fn follow(
        &self,
        peer: &Peer,
        terms: Terms<'_>,
        request: &mut Request<'_>,
        authorization: Option<&str>,
    ) -> Result<Response> {
        let (origin, purpose) = match terms {
            Terms::Contact(origin) => (origin, Purpose::Redirect),
            Terms::Layer(registry) => (registry, Purpose::LayerRedirect),
            Terms::Registry(_) | Terms::Token => (peer.origin(), Purpose::Redirect),
        };
        let mut url = request.url.clone();
        let (mut is_registry, mut redirect) = (true, None);
        for _ in 0..=MOST_REDIRECTS {
            // A host that takes few connections may count those that wait for a next request.
            let alone = request.alone && peer.takes(Feature::ManyRequests);
            let agent = if alone { &peer.fresh } else { &peer.agent };
            let exchange = self.exchange(peer, agent, &url, authorization.filter(|_| is_registry));
            let mut response = match (exchange.send(request), redirect.take()) {
                // What is not needed is not looked for further.
                (Err(e), Some(redirect)) if request.optional && !matches!(e.kind(), Kind::Interrupted(_)) => {
                    return Ok(redirect);
                }
                (answer, _) => answer?,
            };
            if response.status == 417 && exchange.expects && request.asks_first() {
                // RFC 9110 §10.1.1: the same again without.
                response.drain();
                peer.lacks(Feature::Expect, "417", self.watch.as_ref());
                request.rewind()?;
                continue;
            }
            (response.is_registry, response.doubt) = (is_registry, peer.doubt.get().cloned());
            peer.pass_on_warnings(&response, self.watch.as_ref());
            peer.note_allowance(&response, self.watch.as_ref());
            let moved = matches!(response.status, 301 | 302 | 303 | 307 | 308);
            let follows = moved && !matches!(terms, Terms::Token);
            let Some(location) = response.header("location").map(str::to_owned).filter(|_| follows) else {
                return Ok(response);
            };
            response.drain();
            if !matches!(request.method, Method::GET | Method::HEAD) {
                let reason = format!(
                    "{}: the registry redirects it, and content is sent only where it was announced",
                    request.shown
                );
                return Err(Error::refused(reason, NextStep::CheckExternalUrl));
            }
            let permitted = match origin.follow(purpose, &url, &location) {
                Err(_) if request.optional => return Ok(response),
                answer => answer?,
            };
            (url, is_registry) = (permitted.url, permitted.is_registry && is_registry);
            redirect = Some(response).filter(|_| !is_registry);
        }
        Err(Error::refused(
            format!("{}: more than {MOST_REDIRECTS} redirects", request.shown),
            NextStep::CheckStorageRedirect,
        ))
    }

    fn exchange<'a>(
        &'a self,
        peer: &'a Peer,
        agent: &'a ureq::Agent,
        url: &'a Url,
        authorization: Option<&'a str>,
    ) -> Exchange<'a> {
        Exchange {
            agent,
            host: &peer.name,
            url,
            authorization,
            idle: self.options.idle_timeout,
            watch: &self.watch,
            limiter: self.limiter.as_ref(),
            via: self.proxies.of_shown(url, self.watch.as_ref()),
            expects: peer.takes(Feature::Expect),
        }
    }

    /// Sends a request that is worth one try and no answer.
    pub(super) fn send_once(&self, peer: &Peer, scope: &Scope, mut request: Request<'_>) -> Result<()> {
        let authorization = self.authorization(peer, scope, None, false)?;
        self.follow(peer, Terms::Registry(scope), &mut request, authorization.as_deref())?.drain();
        Ok(())
    }
}
