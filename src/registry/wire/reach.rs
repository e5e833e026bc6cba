//! Which addresses names may lead to. A registry names other places: where tokens are given out, where
//! content lies. A name says nothing about whose address stands behind it, so what counts is the
//! address that is connected to, each time (DNS may answer differently the second time).
//!
//! The registry's own name is a person's word, and may lead anywhere. Through a proxy it is the proxy
//! that looks names up, and the proxy's own address is a person's word too.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use url::Url;

use super::address::{Nearness, nearest, nearness};
use crate::error::{Error, NextStep};

/// Where a registry turned out to be.
#[derive(Debug)]
pub(crate) struct Reach {
    registry: Url,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The farthest of all its addresses so far.
    farthest: Option<Nearness>,
    /// It is spoken to without TLS, and without anybody having asked for that.
    stays_here: bool,
}

impl Reach {
    /// Of the registry at this address, which is not looked up yet.
    pub(crate) fn of(registry: Url) -> Arc<Self> {
        Arc::new(Self { registry, state: Mutex::default() })
    }

    /// Every address of it so far was this very machine's.
    pub(crate) fn is_this_machine(&self) -> bool {
        self.farthest() == Some(Nearness::ThisMachine)
    }

    /// The farthest of its addresses so far; nothing is known where a proxy looks it up.
    pub(crate) fn farthest(&self) -> Option<Nearness> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).farthest
    }

    /// From now on no other address than this machine's counts as the registry's.
    pub(crate) fn stay_here(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stays_here = true;
    }

    fn is_named_by(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().or_else(|| if uri.scheme_str() == Some("http") { Some(80) } else { Some(443) });
        // Without TLS it may be at another port than with it.
        let same_port = port == self.registry.port_or_known_default() || self.registry.port().is_none();
        self.registry.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host)) && same_port
    }

    /// Takes note of what the registry's own name leads to.
    fn learn(&self, found: &[SocketAddr]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let farthest = found.iter().map(|address| nearness(address.ip())).max();
        state.farthest = state.farthest.max(farthest);
    }

    fn permits(&self, whom: Whom, address: SocketAddr) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let registry = state.farthest.unwrap_or(Nearness::Public);
        let near = nearest(address.ip());
        match whom {
            Whom::Registry if state.stays_here => near == Nearness::ThisMachine,
            Whom::PlainLayer => near == Nearness::ThisMachine && registry == Nearness::ThisMachine,
            _ if near.is_own() && !registry.is_own() => false,
            Whom::Layer => near > Nearness::Private || registry <= Nearness::Private,
            Whom::Registry | Whom::Named => true,
        }
    }
}

/// Who is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Registry,
    Named,
    Layer,
    PlainLayer,
}

/// Looks names up for one host, and leaves out addresses that they must not lead to.
#[derive(Debug)]
pub(crate) struct Guard<R = DefaultResolver> {
    reach: Arc<Reach>,
    /// For whoever serves a layer at an address in its descriptor.
    is_for_layers: bool,
    names: Arc<R>,
}

impl Guard {
    /// Names as this machine knows them.
    pub(crate) fn new(reach: Arc<Reach>, is_for_layers: bool) -> Self {
        Self { reach, is_for_layers, names: Arc::default() }
    }
}

impl<R: Resolver> Guard<R> {
    /// Looks a name up in a thread of its own, since nothing else ends that wait; in this one where there is
    /// no room for another, and what is an address already is found without waiting.
    fn look_up(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let is_address = uri.host().is_some_and(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok());
        let here = || self.names.resolve(uri, config, NextTimeout::default());
        if is_address || timeout.after.is_not_happening() {
            return here();
        }
        let (sender, found) = mpsc::channel();
        let (names, uri, config) = (self.names.clone(), uri.clone(), config.clone());
        // Nobody is left to hear it who gave up before.
        let look = move || drop(sender.send(names.resolve(&uri, &config, NextTimeout::default())));
        match thread::Builder::new().spawn(look) {
            Ok(_) => found.recv_timeout(*timeout.after).unwrap_or(Err(ureq::Error::Timeout(timeout.reason))),
            Err(_) => here(),
        }
    }
}

impl<R: Resolver> Resolver for Guard<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.look_up(uri, config, timeout)?;
        if config.proxy().is_some_and(|proxy| proxy.uri().authority() == uri.authority()) {
            return Ok(found);
        }
        let whom = match () {
            () if self.is_for_layers && uri.scheme_str() == Some("http") => Whom::PlainLayer,
            () if self.is_for_layers => Whom::Layer,
            () if self.reach.is_named_by(uri) => Whom::Registry,
            () => Whom::Named,
        };
        if whom == Whom::Registry {
            self.reach.learn(&found);
        }
        let mut permitted = self.empty();
        for address in found.iter().filter(|address| self.reach.permits(whom, **address)) {
            permitted.push(*address);
        }
        match found.first().filter(|_| permitted.is_empty()) {
            None => Ok(permitted),
            Some(address) => Err(std::io::Error::from(refused(uri, *address, &self.reach)).into()),
        }
    }
}

fn refused(uri: &Uri, address: SocketAddr, reach: &Reach) -> Error {
    let what = match nearest(address.ip()) {
        Nearness::ThisMachine | Nearness::ThisLink => "an address of this machine or link",
        Nearness::Private => "a private address",
        Nearness::Public => "another machine",
    };
    let host = uri.host().unwrap_or_default();
    let registry = reach.registry.authority();
    let reason = format!("{host} leads to {}, {what}, which nothing that {registry} names may lead to", address.ip());
    Error::refused(reason, NextStep::CheckExternalUrlAndProxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that lead anywhere, and elsewhere the next time.
    #[derive(Debug)]
    struct Names(Mutex<Vec<(&'static str, Vec<&'static str>)>>);

    impl Resolver for Names {
        fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut names = self.0.lock().expect("names");
            let at = names.iter().position(|(name, _)| Some(*name) == uri.host()).expect("a name that is known");
            let mut found = self.empty();
            for address in names.remove(at).1 {
                found.push(SocketAddr::new(address.parse().expect("an address"), 443));
            }
            Ok(found)
        }
    }

    /// What each of these names leads to, one after the other.
    fn lead(is_for_layers: bool, names: &[(&'static str, &[&'static str])], uris: &[&str]) -> Vec<Option<usize>> {
        let reach = Reach::of("https://r.example/".parse().expect("a URL"));
        let names = names.iter().map(|(name, to)| (*name, to.to_vec())).collect();
        let guard = Guard { reach, is_for_layers: false, names: Arc::new(Names(Mutex::new(names))) };
        let (config, timeout) = (Config::default(), NextTimeout::default());
        let guard = if is_for_layers {
            let own: Uri = "https://r.example/".parse().expect("a URI");
            let _ = guard.resolve(&own, &config, timeout);
            Guard { is_for_layers, ..guard }
        } else {
            guard
        };
        let look = |uri: &&str| guard.resolve(&uri.parse().expect("a URI"), &config, timeout).ok().map(|a| a.len());
        uris.iter().map(look).collect()
    }

    #[test]
    fn what_a_public_registry_names_leads_to_no_address_of_this_machine_or_link() {
        let own = ("r.example", &["8.8.8.8"] as &[&str]);
        for near in [
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "169.254.169.254",
            "fe80::1",
        ] {
            let to: &[&str] = &[near];
            let got = lead(false, &[own, ("t.example", to)], &["https://r.example/", "https://t.example/token"]);
            assert_eq!(got, [Some(1), None], "{near}");
            // Nor before the registry itself was looked up, nor on its own port.
            assert_eq!(lead(false, &[("t.example", to)], &["https://t.example/token"]), [None], "{near}");
            // The good one of several is taken.
            let both: &[&str] = &[near, "9.9.9.9"];
            assert_eq!(lead(false, &[("t.example", both)], &["https://t.example/"]), [Some(1)], "{near}");
        }
        assert_eq!(
            lead(false, &[own, ("t.example", &["10.0.0.1"])], &["https://r.example/", "https://t.example/"]),
            [Some(1), Some(1)]
        );
    }

    #[test]
    fn a_name_that_leads_elsewhere_the_second_time_is_judged_anew() {
        let turned = [("r.example", &["8.8.8.8"] as &[&str]), ("r.example", &["127.0.0.1"])];
        assert_eq!(lead(false, &turned, &["https://r.example/", "https://r.example/"]), [Some(1), None]);
        let turned = [("r.example", &["127.0.0.1"] as &[&str]), ("r.example", &["8.8.8.8"]), ("t", &["127.0.0.1"])];
        let uris = ["https://r.example/", "https://r.example/", "https://t/"];
        assert_eq!(lead(false, &turned, &uris), [Some(1), Some(1), None]);
    }

    #[test]
    fn a_registry_on_this_machine_may_name_others_on_it() {
        let here = [("r.example", &["127.0.0.1"] as &[&str]), ("t.example", &["127.0.0.1"])];
        assert_eq!(lead(false, &here, &["https://r.example/", "http://t.example:1/"]), [Some(1), Some(1)]);
    }

    #[test]
    fn layers_lie_at_public_addresses_unless_the_registry_itself_is_private() {
        let case = |registry: &'static [&'static str], layer: &'static [&'static str], uri: &str| {
            lead(true, &[("r.example", registry), ("l.example", layer)], &[uri])
        };
        let secure = "https://l.example/1";
        assert_eq!(case(&["8.8.8.8"], &["9.9.9.9"], secure), [Some(1)]);
        assert_eq!(case(&["8.8.8.8"], &["10.0.0.1"], secure), [None]);
        assert_eq!(case(&["10.0.0.2"], &["10.0.0.1"], secure), [Some(1)]);
        assert_eq!(case(&["10.0.0.2"], &["127.0.0.1"], secure), [None]);
        // Without TLS only on this machine, at both ends.
        let plain = "http://l.example/1";
        assert_eq!(case(&["127.0.0.1"], &["127.0.0.1"], plain), [Some(1)]);
        assert_eq!(case(&["127.0.0.1"], &["9.9.9.9"], plain), [None]);
        assert_eq!(case(&["9.9.9.9"], &["127.0.0.1"], plain), [None]);
    }

    #[test]
    fn what_fell_back_to_http_on_this_machine_stays_on_it() {
        let reach = Reach::of("https://r.example/".parse().expect("a URL"));
        let names = vec![("r.example", vec!["127.0.0.1"]), ("r.example", vec!["8.8.8.8"])];
        let guard = Guard { reach: reach.clone(), is_for_layers: false, names: Arc::new(Names(Mutex::new(names))) };
        let look = |uri: &str| guard.resolve(&uri.parse().expect("a URI"), &Config::default(), NextTimeout::default());
        assert!(look("https://r.example/").is_ok() && reach.is_this_machine());
        reach.stay_here();
        let refused = look("http://r.example/").expect_err("it moved").to_string();
        assert!(refused.contains("r.example leads to 8.8.8.8"), "{refused}");
    }
}
