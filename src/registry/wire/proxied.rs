//! Connections that are made through a proxy.
//!
//! RFC 9112 §3.2.2 and §3.2.3: a request for an `http:` URL is handed to the proxy with the whole URL in its
//! first line; a tunnel (`CONNECT`) is for `https:` alone, and many proxies open one to port 443 only.
//! ureq opens a tunnel for both, so the first way is here.

use std::fmt;
use std::io::Write as _;

use data_encoding::BASE64;
use ureq::config::Config;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, NextTimeout, SocksConnector, Transport,
};
use ureq::{Error, Proxy, ProxyProtocol};

/// What kept a connection from being made is the proxy, or the way to it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ProxyFailed(#[source] pub(crate) Error);

impl ProxyFailed {
    /// The status that refused a tunnel.
    pub(crate) fn status(&self) -> Option<u16> {
        match &self.0 {
            // `proxy server responded 407/407`, and no more is given out.
            Error::ConnectProxyFailed(text) => {
                let digits = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 3)?;
                digits.parse().ok()
            }
            _ => None,
        }
    }
}

/// Whether requests for `http:` URLs are handed to this proxy whole, as opposed to going through it.
pub(crate) fn takes_whole_requests(proxy: &Proxy) -> bool {
    matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https)
}

/// The first of the connectors: makes the connection where there is a proxy.
pub(crate) struct ProxyConnector {
    socks: SocksConnector,
    tunnel: ConnectProxyConnector,
    /// As for every connection, without a proxy: for the one to the proxy itself.
    direct: Config,
}

impl ProxyConnector {
    /// `direct` is the configuration of the agent, which names no proxy.
    pub(crate) fn new(direct: Config) -> Self {
        Self { socks: SocksConnector::default(), tunnel: ConnectProxyConnector::default(), direct }
    }

    fn through(&self, proxy: &Proxy, details: &ConnectionDetails<'_>) -> Result<Option<Box<dyn Transport>>, Error> {
        if !takes_whole_requests(proxy) {
            let made = Connector::<()>::connect(&self.socks, details, None)?;
            return Ok(made.map(boxed));
        }
        if details.needs_tls() {
            let made = Connector::<()>::connect(&self.tunnel, details, None)?;
            return Ok(made.map(boxed));
        }
        let details = ConnectionDetails {
            uri: proxy.uri(),
            addrs: details.resolver.resolve(proxy.uri(), details.config, details.timeout)?,
            config: &self.direct,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let to_proxy = (details.run_connector)(&details)?;
        Ok(Some(Box::new(ToProxy { to_proxy, authorization: authorization(proxy), body_left: 0 })))
    }
}

impl Connector<()> for ProxyConnector {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        let Some(proxy) = details.config.proxy() else { return Ok(None) };
        self.through(proxy, details).map_err(|e| Error::Other(Box::new(ProxyFailed(e))))
    }
}

impl fmt::Debug for ProxyConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyConnector").finish_non_exhaustive()
    }
}

fn boxed<A: Transport, B: Transport>(made: Either<A, B>) -> Box<dyn Transport> {
    Box::new(made)
}

/// What is shown to the proxy, and to nobody behind it.
fn authorization(proxy: &Proxy) -> Option<String> {
    let (user, password) = (proxy.username(), proxy.password());
    (user.is_some() || password.is_some()).then(|| {
        let pair = format!("{}:{}", user.unwrap_or_default(), password.unwrap_or_default());
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    })
}

/// A connection to a proxy that takes requests whole: their first lines are rewritten on the way.
struct ToProxy {
    to_proxy: Box<dyn Transport>,
    authorization: Option<String>,
    /// Bytes of the present request's body that are still to come; then the next head.
    body_left: u64,
}

impl Transport for ToProxy {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.to_proxy.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.body_left > 0 {
            self.body_left = self.body_left.saturating_sub(amount as u64);
            return self.to_proxy.transmit_output(amount, timeout);
        }
        if amount == 0 {
            return Ok(());
        }
        // A head comes in one piece: the buffer is longer than any that we send.
        let output = self.to_proxy.buffers().output();
        let (head, body) = rewritten(&output[..amount], self.authorization.as_deref())
            .ok_or_else(|| Error::BadUri("a request that no proxy takes".into()))?;
        if head.len() > output.len() {
            return Err(Error::BadUri("a request that is too long for a proxy".into()));
        }
        output[..head.len()].copy_from_slice(&head);
        self.body_left = body;
        self.to_proxy.transmit_output(head.len(), timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.to_proxy.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.to_proxy.is_open()
    }

    // TLS to the proxy is none to the registry.
    fn is_tls(&self) -> bool {
        false
    }
}

impl fmt::Debug for ToProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToProxy").field("to_proxy", &self.to_proxy).finish_non_exhaustive()
    }
}

/// The head of a request as a proxy wants it, and the length of the body that follows.
fn rewritten(head: &[u8], authorization: Option<&str>) -> Option<(Vec<u8>, u64)> {
    let text = std::str::from_utf8(head).ok()?;
    let lines = text.strip_suffix("\r\n\r\n")?;
    let (first, headers) = lines.split_once("\r\n")?;
    let (method, target) = first.split_once(' ')?;
    let field = |name: &str| {
        let fields = headers.split("\r\n").filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let body = match field("content-length") {
        Some(length) => length.parse().ok()?,
        None if field("transfer-encoding").is_some() => return None,
        None => 0,
    };
    let mut whole = Vec::with_capacity(head.len() + 256);
    // Writing to memory does not fail.
    write!(whole, "{method} http://{}{target}\r\n{headers}\r\n", field("host")?).ok()?;
    if let Some(authorization) = authorization {
        write!(whole, "Proxy-Authorization: {authorization}\r\n").ok()?;
    }
    whole.extend_from_slice(b"\r\n");
    Some((whole, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_rewritten_for_the_proxy_and_its_body_counted() {
        let head = b"PUT /v2/a/blobs/uploads/1?digest=x HTTP/1.1\r\nhost: r.test:5000\r\nContent-Length: 7\r\n\r\n";
        let (whole, body) = rewritten(head, Some("Basic eDp5")).expect("a head");
        let expected = "PUT http://r.test:5000/v2/a/blobs/uploads/1?digest=x HTTP/1.1\r\nhost: r.test:5000\r\n\
                        Content-Length: 7\r\nProxy-Authorization: Basic eDp5\r\n\r\n";
        assert_eq!((String::from_utf8_lossy(&whole).as_ref(), body), (expected, 7));
        let (whole, body) = rewritten(b"GET / HTTP/1.1\r\nHost: r\r\n\r\n", None).expect("a head");
        assert_eq!((&*whole, body), (&b"GET http://r/ HTTP/1.1\r\nHost: r\r\n\r\n"[..], 0));
        for bad in ["", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: r\r\n", "GET\r\nHost: r\r\n\r\n"] {
            assert!(rewritten(bad.as_bytes(), None).is_none(), "{bad:?}");
        }
        let chunked = b"PUT / HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(rewritten(chunked, None).is_none(), "its end would not be known");
    }

    #[test]
    fn the_status_that_refused_a_tunnel_is_known() {
        let failed = |text: &str| ProxyFailed(Error::ConnectProxyFailed(text.into())).status();
        assert_eq!(failed("proxy server responded 407/407"), Some(407));
        assert_eq!(failed("proxy server did not respond"), None);
        assert_eq!(ProxyFailed(Error::HostNotFound).status(), None);
    }
}
