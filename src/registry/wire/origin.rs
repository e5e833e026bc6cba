//! Where a registry may send us, and whether credentials may come along. Redirects, upload
//! locations, token realms, the next pages of lists and the urls of layers all pass
//! [`Origin::follow`], and nothing else decides.
//!
//! Private addresses are fine: the registry of an air-gapped site has one. Loopback and link-local
//! addresses are refused unless the registry itself has one, since they name another machine's
//! services than the registry means. For the urls of layers, which whoever made the image wrote,
//! that goes for private addresses too, and they are https; plain http is for a registry and a
//! layer that are both on this machine. What is an address is judged here, and a name by `reach` when
//! it is looked up.

use std::net::IpAddr;
use std::sync::Arc;

use url::{Host, Url};

use super::address::{Nearness, nearest, nearness};
use super::reach::Reach;
use super::secrets;
use crate::error::{Error, NextStep, Result};
use crate::oci;

/// What a URL from the registry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Where the address of a layer redirects to.
    LayerRedirect,
    /// An address in the descriptor of a layer (image-spec v1.1.1 `descriptor.md` `urls`).
    LayerUrl,
    /// Where a list goes on.
    Page,
    /// Content that lies elsewhere (RFC 9110 §15.4).
    Redirect,
    /// Where tokens are given out.
    TokenRealm,
    /// Where an upload goes on.
    Upload,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::LayerRedirect => "redirect of a layer",
            Self::LayerUrl => "address of a layer",
            Self::Page => "next page",
            Self::Redirect => "redirect",
            Self::TokenRealm => "token realm",
            Self::Upload => "upload location",
        }
    }
}

/// A URL that may be requested.
#[derive(Clone, Debug)]
pub(crate) struct Permitted {
    pub(crate) url: Url,
    /// The registry's own authorization may go along. A token realm gets credentials of its own.
    pub(crate) is_registry: bool,
}

/// Scheme, host and port of a registry.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    base: Url,
    /// Where it turned out to be, once it was looked up.
    reach: Option<Arc<Reach>>,
    is_fallback: bool,
}

impl Origin {
    /// The origin of a registry host as it stands in a reference.
    pub(crate) fn new(host: &oci::Host, plain_http: bool) -> Result<Self> {
        // Docker Hub's API has another name than its images (distribution/reference v0.6).
        let name = if host.is_docker_hub() { "registry-1.docker.io" } else { host.as_str() };
        let base = if plain_http {
            Url::parse(&format!("http://{}/", host.without_tls()))
        } else {
            Url::parse(&format!("https://{name}/"))
        };
        let base = base.map_err(|e| Error::usage(format!("registry `{host}`: {e}")))?;
        Ok(Self { base, reach: None, is_fallback: false })
    }

    /// The same, of a registry that is looked up for this.
    pub(crate) fn reached(self, reach: Arc<Reach>) -> Self {
        Self { reach: Some(reach), ..self }
    }

    /// The same without TLS, which nobody asked for: it was found out.
    pub(crate) fn fallen_back(self) -> Self {
        Self { is_fallback: true, ..self }
    }

    /// Whether both are one registry.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.base.origin() == other.base.origin()
    }

    /// Nobody said that this registry is to be spoken to without TLS. It is shown no credentials.
    pub(crate) fn is_fallback(&self) -> bool {
        self.is_fallback
    }

    /// A URL below the registry's root; `path` starts with `v2/`.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// How near the registry is: as it turned out, or else as it is written.
    fn nearness(&self) -> Nearness {
        let written = match address(&self.base) {
            Some(ip) => nearness(ip),
            None if self.base.host_str() == Some("localhost") => Nearness::ThisMachine,
            None => Nearness::Public,
        };
        self.reach.as_ref().and_then(|reach| reach.farthest()).unwrap_or(written)
    }

    /// Decides about `target`, which the answer to a request for `from` named.
    ///
    /// # Errors
    /// When we do not go there; both places are named.
    pub(crate) fn follow(&self, purpose: Purpose, from: &Url, target: &str) -> Result<Permitted> {
        let refuse = |why: &str| {
            // What cannot be taken apart may hold a secret anywhere.
            let at = from.join(target).map_or_else(|_| "an unreadable address".to_owned(), |u| shown(&u));
            let reason = format!("{} names {at} as {}: {why}", shown(&self.base), purpose.name());
            Err(Error::refused(reason, NextStep::CheckExternalUrlAndProxy))
        };
        if purpose != Purpose::Page {
            secrets::keep_from_address(target);
        }
        let absolute = if purpose == Purpose::LayerUrl { Url::parse(target) } else { from.join(target) };
        let Ok(mut url) = absolute else { return refuse("not a URL") };
        url.set_fragment(None);
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("neither http nor https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it holds credentials");
        }
        if matches!(purpose, Purpose::Page | Purpose::Upload) {
            // TLS ended in front of the registry makes it say http, or forget its port.
            if url.host() != self.base.host() || (url.port().is_some() && url.port_or_known_default() != self.port()) {
                return refuse(match purpose {
                    Purpose::Page => "that is another host, and it is not asked",
                    _ => "that is another host, and it will not be sent there",
                });
            }
            let mut own = self.base.clone();
            own.set_path(url.path());
            own.set_query(url.query());
            return Ok(Permitted { url: own, is_registry: true });
        }
        let is_layer = matches!(purpose, Purpose::LayerRedirect | Purpose::LayerUrl);
        if is_layer {
            let is_here = self.nearness() == Nearness::ThisMachine && named_nearness(&url) == Nearness::ThisMachine;
            let within = self.is_plain_http() && is_here && from.scheme() == "http";
            if url.scheme() == "http" && !within {
                return refuse("layers are fetched by https only");
            }
            if named_nearness(&url) == Nearness::Private && self.nearness() == Nearness::Public {
                return refuse("that is a private address");
            }
        }
        if !self.is_plain_http() && url.scheme() == "http" {
            if purpose == Purpose::Redirect && url.host() == self.base.host() {
                let same_port = url.port().is_none() || url.port_or_known_default() == self.port();
                if same_port {
                    let mut own = self.base.clone();
                    own.set_path(url.path());
                    own.set_query(url.query());
                    return Ok(Permitted { url: own, is_registry: true });
                }
            }
            return refuse("https is never given up for http");
        }
        if named_nearness(&url).is_own() && !self.nearness().is_own() {
            return refuse("that is an address of this machine or link");
        }
        let is_registry = url.origin() == self.base.origin() && !is_layer;
        Ok(Permitted { url, is_registry })
    }

    fn port(&self) -> Option<u16> {
        self.base.port_or_known_default()
    }
}

/// `scheme://host:port/path`, without anything that could be a secret.
pub(crate) fn shown(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    // Both fail only for URLs without a host, which hold neither.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.to_string()
}

/// How near a URL that was named leads, as far as it says so itself.
fn named_nearness(url: &Url) -> Nearness {
    match (address(url), url.host()) {
        (Some(ip), _) => nearest(ip),
        (None, Some(Host::Domain(name))) => {
            // A name that ends in a dot is the same name.
            let name = name.trim_end_matches('.');
            let is_here = name == "localhost" || name.ends_with(".localhost");
            if is_here { Nearness::ThisMachine } else { Nearness::Public }
        }
        _ => Nearness::Public,
    }
}

fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(host: &str, plain: bool, purpose: Purpose, target: &str) -> Result<(String, bool), String> {
        let origin = Origin::new(&host.parse().expect("a host"), plain).expect("host");
        let from = origin.url("v2/a/blobs/uploads/");
        let permitted = origin.follow(purpose, &from, target).map_err(|e| e.to_string())?;
        Ok((permitted.url.to_string(), permitted.is_registry))
    }

    #[test]
    fn an_upload_stays_with_its_registry() {
        let up = |target| go("r.example:5000", false, Purpose::Upload, target);
        let own = |path: &str| Ok((format!("https://r.example:5000/{path}"), true));
        assert_eq!(up("/v2/a/u?_state=a%2Fb%3D%3D"), own("v2/a/u?_state=a%2Fb%3D%3D"));
        assert_eq!(up("next"), own("v2/a/blobs/uploads/next"));
        assert_eq!(up("http://r.example:5000/u"), own("u"));
        assert_eq!(up("http://r.example/u"), own("u"));
        assert_eq!(up("//r.example:5000/u"), own("u"));
        let unreadable = up("http://[::bad?X-Amz-Signature=secret").expect_err("no URL");
        assert!(!unreadable.contains("secret"), "{unreadable}");
        for elsewhere in
            ["https://s.example/u", "https://r.example:5001/u", "http://x@r.example:5000/u", "ftp://r.example/u"]
        {
            let error = up(elsewhere).expect_err(elsewhere);
            assert!(error.contains("r.example:5000"), "{error}");
        }
    }

    #[test]
    fn a_list_goes_on_where_it_began() {
        let page = |target| go("r.example:5000", false, Purpose::Page, target);
        let own = Ok(("https://r.example:5000/v2/a/tags/list?n=2&last=x".to_owned(), true));
        assert_eq!(page("/v2/a/tags/list?n=2&last=x"), own);
        assert_eq!(page("http://r.example/v2/a/tags/list?n=2&last=x#f"), own);
        for elsewhere in ["https://s.example/v2/a", "//s.example/v2/a", "https://r.example:5001/v2/a", "file:///v2/a"] {
            let error = page(elsewhere).expect_err(elsewhere);
            assert!(error.contains("r.example:5000") && error.contains("next page"), "{error}");
        }
    }

    #[test]
    fn a_redirect_takes_credentials_only_to_the_same_origin() {
        let redirect = |target| go("r.example:5000", false, Purpose::Redirect, target).map(|(_, own)| own);
        assert_eq!(redirect("/x"), Ok(true));
        assert_eq!(redirect("https://r.example:5000/x"), Ok(true));
        assert_eq!(redirect("http://r.example:5000/x"), Ok(true));
        assert_eq!(redirect("https://r.example/x"), Ok(false));
        assert_eq!(redirect("https://s3.example/x?sig=1"), Ok(false));
        assert_eq!(redirect("https://10.1.2.3/x"), Ok(false));
        for refused in [
            "http://s3.example/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://[::ffff:127.0.0.1]/x",
            "https://localhost/x",
            "https://localhost./x",
            "https://a.localhost./x",
            "https://169.254.169.254/x",
            "https://[fe80::1]/x",
            "https://[::127.0.0.1]/x",
            "https://[64:ff9b::7f00:1]/x",
            "https://[2002:7f00:1::]/x",
            "https://[64:ff9b::169.254.169.254]/x",
            "https://0.0.0.0/x",
            "https://[::]/x",
            "file:///etc/passwd",
        ] {
            assert!(redirect(refused).is_err(), "{refused}");
        }
        assert_eq!(
            go("127.0.0.1:5000", true, Purpose::Redirect, "http://127.0.0.1:6000/x").map(|(_, own)| own),
            Ok(false)
        );
    }

    #[test]
    fn a_token_realm_is_https_when_the_registry_is() {
        let realm = |host, plain, target| go(host, plain, Purpose::TokenRealm, target).is_ok();
        assert!(realm("registry.example", false, "https://auth.example/token"));
        assert!(realm("10.0.0.1", false, "https://10.0.0.2/token"));
        assert!(!realm("registry.example", false, "http://auth.example/token"));
        assert!(!realm("registry.example", false, "http://registry.example/token"));
        assert!(!realm("registry.example", false, "https://127.0.0.1/token"));
        assert!(!realm("registry.example", true, "http://169.254.169.254/token"));
        assert!(realm("127.0.0.1:5000", true, "http://127.0.0.1:6000/token"));
    }

    #[test]
    fn the_address_of_a_layer_is_https_public_and_gets_no_credentials() {
        for purpose in [Purpose::LayerUrl, Purpose::LayerRedirect] {
            let layer = |host, plain, target| go(host, plain, purpose, target).map(|(_, own)| own);
            for public in ["https://layers.example/1", "https://8.8.8.8/1", "https://[2001:4860::8]/1"] {
                assert_eq!(layer("r.example", false, public), Ok(false), "{public}");
            }
            assert_eq!(layer("r.example", false, "https://r.example/1"), Ok(false), "not even to the registry");
            for refused in [
                "http://layers.example/1",
                "http://r.example/1",
                "https://user:password@layers.example/1",
                "https://10.0.0.1/1",
                "https://172.18.0.20/1",
                "https://192.168.1.1/1",
                "https://100.64.0.1/1",
                "https://0.1.2.3/1",
                "https://224.0.0.1/1",
                "https://127.0.0.1/1",
                "https://0x7f.1/1",
                "https://169.254.169.254/1",
                "https://[::1]/1",
                "https://[::ffff:10.0.0.1]/1",
                "https://[fd00::1]/1",
                "https://[fe80::1]/1",
                "https://localhost/1",
                "https://localhost./1",
                "file:///etc/passwd",
                "ftp://layers.example/1",
            ] {
                assert!(layer("r.example", false, refused).is_err(), "{refused}");
            }
            assert!(layer("r.example", true, "http://layers.example/1").is_err(), "plain, but not on this machine");
            assert_eq!(layer("172.18.0.20", false, "https://172.18.0.21/1"), Ok(false));
            assert!(layer("172.18.0.20", false, "https://127.0.0.1/1").is_err());
            assert_eq!(layer("127.0.0.1:5000", true, "http://127.0.0.1:6000/1"), Ok(false));
            assert!(layer("127.0.0.1:5000", true, "http://layers.example/1").is_err());
            assert!(layer("127.0.0.1:5000", false, "http://127.0.0.1:6000/1").is_err());
        }
        assert!(go("r.example", false, Purpose::LayerUrl, "/v2/1").is_err());
        assert!(go("r.example", false, Purpose::LayerUrl, "layer").is_err());
        assert!(go("r.example", false, Purpose::LayerRedirect, "/moved").is_ok());
        // From https to http not even on this machine.
        let plain = Origin::new(&"127.0.0.1:5000".parse().expect("a host"), true).expect("host");
        let secure = Url::parse("https://127.0.0.1:6000/1").expect("url");
        assert!(plain.follow(Purpose::LayerRedirect, &secure, "http://127.0.0.1:6001/1").is_err());
    }

    #[test]
    fn what_could_be_a_secret_is_not_shown() {
        let url = Url::parse("https://user:pass@s3.example/x?X-Amz-Signature=secret#f").expect("url");
        assert_eq!(shown(&url), "https://s3.example/x");
    }
}
