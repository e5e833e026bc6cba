//! The one place where a request is sent, and sent again: authorization, redirects, pauses, limits
//! and timeouts are decided here, for every request to every registry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::http;
use url::Url;

use super::RegistryOptions;
use super::auth::challenge::choose;
use super::auth::credentials::{Credential, Credentials};
use super::wire::exchange::{Exchange, Request, Response, answered};
use super::host::Host;
use super::origin::{Origin, Purpose};
use super::wire::pace::Limiter;
use super::wire::proxy::Proxies;
use super::retry::{pause_for, sleep};
use super::wire::tls::{HostTls, Tls, agent, explain};
use super::auth::token::Scope;
use crate::error::{Error, Kind, Result};
use crate::store::{Event, Watch};

/// Hops from a registry to where its content lies.
const MOST_REDIRECTS: u32 = 5;
/// One read brings in at most this, one write sends at most this, in bytes.
const WIRE_BUFFER: usize = 128 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// On what terms a request is sent.
#[derive(Clone, Copy)]
enum Terms<'a> {
    /// To anybody, for a layer of this registry: nothing is shown, whatever is asked for.
    Layer(&'a Origin),
    /// To a registry, for this.
    Registry(&'a Scope),
}

/// Sends requests to any number of registries.
pub(crate) struct Transport {
    pub(crate) options: RegistryOptions,
    pub(crate) watch: Arc<dyn Watch>,
    pub(crate) credentials: Credentials,
    tls: Tls,
    limiter: Option<Arc<Limiter>>,
    proxies: Proxies,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

impl Transport {
    pub(crate) fn new(options: RegistryOptions, watch: Arc<dyn Watch>) -> Result<Self> {
        let env = |name: &str| std::env::var(name).ok();
        let tls = Tls::load(&options.tls, &env)?;
        let credentials = Credentials::load(options.authfile.as_deref(), &env)?;
        for message in credentials.warnings() {
            watch.on(Event::Warning { message });
        }
        let limiter = options.limit_rate.map(|rate| Arc::new(Limiter::new(rate)));
        let proxies = Proxies::from_env(&env)?;
        Ok(Self { options, watch, credentials, tls, limiter, proxies, hosts: Mutex::default() })
    }

    /// The host of this name, in contact.
    pub(crate) fn host(&self, name: &str) -> Result<Arc<Host>> {
        let host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            match hosts.get(name) {
                Some(host) => host.clone(),
                None => hosts.entry(name.into()).or_insert(Arc::new(self.new_host(name)?)).clone(),
            }
        };
        match host.contact.get_or_init(|| self.contact(&host).map_err(Arc::new)) {
            Ok(_) => Ok(host),
            Err(e) => Err(Error::Shared(e.clone())),
        }
    }

    /// Whoever serves a layer at an address that is not the registry's.
    pub(crate) fn stranger(&self, url: &Url) -> Result<Arc<Host>> {
        // With its scheme, it cannot be taken for the name of a registry.
        let name = url.origin().ascii_serialization();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(&name) {
            return Ok(host.clone());
        }
        let tls = self.tls.for_strangers()?;
        let shown = name.split_once("://").map_or(name.as_str(), |(_, authority)| authority);
        let host = Arc::new(self.connect(shown, tls, None));
        Ok(hosts.entry(name).or_insert(host).clone())
    }

    /// A URL of a host in contact; `path` starts with `v2/`.
    pub(crate) fn url(&self, host: &Host, path: &str) -> Url {
        origin(host).url(path)
    }

    /// Sends a request until it has an answer worth looking at.
    ///
    /// # Errors
    /// No answer, or none but failures that pass, within all retries. Other statuses are answers.
    pub(crate) fn send(&self, host: &Host, scope: &Scope, request: Request<'_>) -> Result<Response> {
        self.send_on(host, Terms::Registry(scope), request)
    }

    /// The same to a stranger who serves a layer of `registry`, without any credentials.
    ///
    /// # Errors
    /// As for [`Transport::send`].
    pub(crate) fn send_to_stranger(&self, host: &Host, registry: &Origin, request: Request<'_>) -> Result<Response> {
        self.send_on(host, Terms::Layer(registry), request)
    }

    fn send_on(&self, host: &Host, terms: Terms<'_>, mut request: Request<'_>) -> Result<Response> {
        let mut stale = None;
        let mut tries = 0;
        loop {
            host.pause.wait(self.watch.as_ref())?;
            let authorization = match terms {
                Terms::Layer(_) => None,
                Terms::Registry(scope) => self.authorization(host, scope, stale.as_deref())?,
            };
            let permit = host.gate.enter();
            let answer = self.follow(host, terms, &mut request, authorization.as_deref());
            let answers_challenge = matches!(terms, Terms::Registry(_)) && stale.is_none();
            let failure = match answer {
                Ok(mut response) if response.status == 401 && response.is_registry && answers_challenge => {
                    let Some(challenge) = choose(response.challenges().iter().map(String::as_str)) else {
                        return Ok(response.with(permit));
                    };
                    host.note_challenge(challenge);
                    // A token of nobody is worth one more try too: the challenge may name its scope.
                    let used =
                        authorization.as_deref().and_then(|a| a.split_once(' ')).map(|(_, token)| token.to_owned());
                    stale = Some(used.unwrap_or_default());
                    response.drain();
                    drop(permit);
                    request.rewind()?;
                    continue;
                }
                Ok(response) if !response.is_worth_repeating() => return Ok(response.with(permit)),
                Ok(mut response) => {
                    if response.status == 429 {
                        host.gate.calm_down();
                    }
                    let header = response.header("retry-after").map(str::to_owned);
                    let failure = response.failure(&request.shown);
                    drop((response, permit));
                    if tries < self.options.retry.times {
                        let delay = self.options.retry.delay(tries);
                        let status = failure.status().unwrap_or_default();
                        let wait = pause_for(&host.name, status, header.as_deref(), delay, self.watch.as_ref())?;
                        match header {
                            Some(_) => host.pause.set(wait),
                            None if request.is_repeatable() => sleep(wait, self.watch.as_ref())?,
                            None => {}
                        }
                    }
                    failure
                }
                Err(failure) => {
                    drop(permit);
                    // A connection that idled may have been closed by the other side just now: the
                    // first repetition costs nothing and waits for nothing.
                    if tries > 0
                        && tries < self.options.retry.times
                        && failure.kind() == Kind::Transient
                        && request.is_repeatable()
                    {
                        sleep(self.options.retry.delay(tries), self.watch.as_ref())?;
                    }
                    failure
                }
            };
            tries += 1;
            let passes = failure.kind() == Kind::Transient || failure.status().is_some_and(|s| s == 401 || s == 403);
            if !passes || tries > self.options.retry.times || !request.is_repeatable() {
                return Err(failure);
            }
            self.watch.on(Event::Repeating { host: &host.name, reason: &failure.to_string() });
            request.rewind()?;
        }
    }

    /// Sends once, and follows where the content of a GET or HEAD lies.
    fn follow(
        &self,
        host: &Host,
        terms: Terms<'_>,
        request: &mut Request<'_>,
        authorization: Option<&str>,
    ) -> Result<Response> {
        let (origin, purpose) = match terms {
            Terms::Layer(registry) => (registry, Purpose::LayerRedirect),
            Terms::Registry(_) => (origin(host), Purpose::Redirect),
        };
        let mut url = request.url.clone();
        let mut is_registry = true;
        for _ in 0..=MOST_REDIRECTS {
            let agent = if request.alone { &host.fresh } else { &host.agent };
            let exchange = self.exchange(host, agent, &url, authorization.filter(|_| is_registry));
            let mut response = exchange.send(request)?;
            response.is_registry = is_registry;
            self.pass_on_warnings(host, &response);
            let moved = matches!(response.status, 301 | 302 | 303 | 307 | 308);
            let Some(location) = response.header("location").map(str::to_owned).filter(|_| moved) else {
                return Ok(response);
            };
            response.drain();
            if !matches!(request.method, http::Method::GET | http::Method::HEAD) {
                let reason = format!(
                    "{}: the registry redirects it, and content is sent only where it was announced",
                    request.shown
                );
                return Err(Error::refused(reason, "check the registry's external URL setting"));
            }
            let permitted = origin.follow(purpose, &url, &location)?;
            (url, is_registry) = (permitted.url, permitted.is_registry && is_registry);
        }
        Err(Error::refused(
            format!("{}: more than {MOST_REDIRECTS} redirects", request.shown),
            "check the registry's storage redirect",
        ))
    }

    pub(crate) fn exchange<'a>(
        &'a self,
        host: &'a Host,
        agent: &'a ureq::Agent,
        url: &'a Url,
        authorization: Option<&'a str>,
    ) -> Exchange<'a> {
        Exchange {
            agent,
            host: &host.name,
            url,
            authorization,
            idle: self.options.idle_timeout,
            watch: &self.watch,
            limiter: self.limiter.as_ref(),
            proxy: self.proxies.of(url),
        }
    }

    /// `Warning: 299 - "text"` (distribution-spec v1.1 "Warnings"): once per text.
    fn pass_on_warnings(&self, host: &Host, response: &Response) {
        for value in response.headers.get_all("warning").iter().filter_map(|v| v.to_str().ok()) {
            let Some(text) = value.strip_prefix("299 - \"").and_then(|v| v.strip_suffix('"')) else { continue };
            let text = text.replace("\\\"", "\"").replace("\\\\", "\\");
            if host.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone()) {
                self.watch.on(Event::Warning { message: &format!("{}: {text}", host.name) });
            }
        }
    }

    /// Sends a request that is worth one try and no answer.
    pub(crate) fn send_once(&self, host: &Host, scope: &Scope, mut request: Request<'_>) -> Result<()> {
        let authorization = self.authorization(host, scope, None)?;
        self.follow(host, Terms::Registry(scope), &mut request, authorization.as_deref())?.drain();
        Ok(())
    }

    fn new_host(&self, name: &str) -> Result<Host> {
        let api = Origin::new(name, false)?;
        let tls = self.tls.for_registry(api.url("").authority())?;
        let login = self.options.login.as_ref().filter(|(host, _)| host == name).map(|(_, c)| c.clone());
        Ok(self.connect(name, tls, login))
    }

    fn connect(&self, name: &str, tls: HostTls, login: Option<Credential>) -> Host {
        let jobs = self.options.jobs;
        let kept = agent(self.config(jobs), tls.clone());
        Host::new(name, kept, agent(self.config(0), tls), jobs, login)
    }

    /// `idle` connections are kept per host.
    fn config(&self, idle: usize) -> ureq::config::Config {
        let timeout = Some(self.options.idle_timeout);
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("bundle/", env!("CARGO_PKG_VERSION")))
            .accept("")
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(timeout)
            .timeout_per_write(timeout)
            .max_idle_connections(4 * idle)
            .max_idle_connections_per_host(idle)
            .input_buffer_size(WIRE_BUFFER)
            .output_buffer_size(WIRE_BUFFER)
            .build()
    }

    /// The first contact: finds the scheme, and what the registry wants to be shown.
    fn contact(&self, host: &Host) -> Result<Origin> {
        let plain = self.options.is_plain_http(&host.name);
        let origin = Origin::new(&host.name, plain)?;
        match self.ping(host, &origin) {
            Ok(()) => Ok(origin),
            // A registry on this very machine may well speak plain http; any other must be named.
            Err(_) if !plain && origin.is_loopback() && self.speaks_http(host) => Origin::new(&host.name, true),
            Err(e) => Err(e),
        }
    }

    fn speaks_http(&self, host: &Host) -> bool {
        Origin::new(&host.name, true).and_then(|origin| self.ping(host, &origin)).is_ok()
    }

    /// distribution-spec v1.1 end-1.
    fn ping(&self, host: &Host, origin: &Origin) -> Result<()> {
        let url = origin.url("v2/");
        let mut tries = 0;
        loop {
            let mut request = Request::new(http::Method::GET, url.clone());
            let exchange = self.exchange(host, &host.agent, &url, None);
            let failure = match exchange.send(&mut request) {
                Ok(mut response) if response.status == 401 => {
                    let challenge = choose(response.challenges().iter().map(String::as_str));
                    response.drain();
                    challenge.into_iter().for_each(|c| host.note_challenge(c));
                    return Ok(());
                }
                Ok(mut response) if response.status == 200 => {
                    response.drain();
                    return Ok(());
                }
                Ok(mut response) => match response.failure(&request.shown) {
                    passing if passing.kind() == Kind::Transient => passing,
                    other => {
                        let hint = "check the host name and port; a registry answers 200 or 401 there";
                        return Err(Error::refused(format!("{}: not a registry: {other}", host.name), hint));
                    }
                },
                Err(e) => e,
            };
            if failure.kind() != Kind::Transient || tries == self.options.retry.times {
                return Err(failure.at(&host.name));
            }
            sleep(self.options.retry.delay(tries), self.watch.as_ref())?;
            tries += 1;
        }
    }
}

/// The origin of a host in contact.
pub(crate) fn origin(host: &Host) -> &Origin {
    match host.contact.get() {
        Some(Ok(origin)) => origin,
        // `Transport::host` gives out no other host.
        _ => unreachable!("a host without contact was given out"),
    }
}

/// What a timeout of ureq means.
pub(crate) fn unanswered(which: ureq::Timeout) -> String {
    match which {
        ureq::Timeout::Connect | ureq::Timeout::Resolve => "no connection in time".into(),
        _ => "no progress within the idle timeout".into(),
    }
}

/// An error of ureq in our terms.
pub(crate) fn failed(error: ureq::Error, host: &str, shown: &str) -> Error {
    if let Some(explained) = explain(&error, host) {
        return explained;
    }
    match error {
        ureq::Error::Io(e) => answered(e, shown),
        ureq::Error::Timeout(which) => Error::Network { request: shown.into(), reason: unanswered(which) },
        ureq::Error::HostNotFound => Error::Network { request: shown.into(), reason: format!("host {host} not found") },
        other => Error::Network { request: shown.into(), reason: other.to_string() },
    }
}
