//! The TLS layer of ureq's transport chain, over our own rustls configuration.
//!
//! ureq's own connector takes no certificate verifier. This one also moves bulk data in fewer
//! steps: records go out in pairs, and all that one read brought in are decrypted before ureq looks
//! at them.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use ureq::Agent;
use ureq::config::Config;
use ureq::unversioned::resolver::Resolver;
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector, Transport,
};

use super::super::silence::WaitingConnector;
use super::plain::{Plain, is_of_tls};
use super::trust::HostTls;
use crate::registry::wire::clock::{CONNECT_TIMEOUT, ClockConnector};
use crate::registry::wire::proxied::ProxyConnector;

/// Two full records are encrypted and sent together: more than that only keeps the server waiting.
const STEP: usize = 32 << 10;

/// An agent whose https connections are made as `tls` says, to where `names` leads, and under the clock.
pub(crate) fn agent_for(config: Config, tls: HostTls, names: impl Resolver) -> Agent {
    let clock = ClockConnector { idle: config.timeout_per_read().unwrap_or(CONNECT_TIMEOUT) };
    let to_proxies = ProxyConnector::new(config.clone());
    let connector =
        ().chain(to_proxies)
            .chain(TcpConnector::default())
            .chain(TlsConnector { tls })
            .chain(clock)
            .chain(WaitingConnector);
    Agent::with_parts(config, connector, names)
}

/// The same to wherever names lead.
#[cfg(test)]
pub(super) fn agent(config: Config, tls: HostTls) -> Agent {
    agent_for(config, tls, ureq::unversioned::resolver::DefaultResolver::default())
}

/// Wraps a connection into TLS where the URL asks for it.
#[derive(Debug)]
struct TlsConnector {
    tls: HostTls,
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<Either<In, Plain<In>>, TlsTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() {
            return Ok(Some(Either::A(Either::B(Plain::new(transport)))));
        }
        if transport.is_tls() {
            return Ok(Some(Either::A(Either::A(transport))));
        }
        // The URL is the proxy's on the way to an https proxy, so that one gets no certificate.
        let (host, port) = (details.uri.host().unwrap_or_default(), details.uri.port_u16().unwrap_or(443));
        let config = self.tls.config_for(host, port);
        let name = ServerName::try_from(host.trim_matches(['[', ']']))
            .map_err(|_| ureq::Error::Tls("not a host name that a certificate could carry"))?
            .to_owned();

        let mut connection = ClientConnection::new(config, name)?;
        // What is buffered is bounded by `STEP`.
        connection.set_buffer_limit(None);
        let clock = details.current_time.clone();
        let (timeout, since) = (details.timeout, details.now);
        let mut wire = Wire { transport: Box::new(transport), timeout, since, clock, first: None };
        let outcome = handshake(&mut connection, &mut wire);
        if wire.first.is_some_and(is_of_tls) {
            self.tls.note_that_it_is_spoken(host, port);
        }
        outcome?;

        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport { buffers, connection, wire, closed: false })))
    }
}

/// Runs the handshake. What is left to send at its end goes out with the first request.
fn handshake(connection: &mut ClientConnection, wire: &mut Wire) -> Result<(), ureq::Error> {
    while connection.is_handshaking() {
        send(connection, wire)?;
        if connection.read_tls(wire)? == 0 {
            let reason = "the connection was closed during the TLS handshake";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason).into());
        }
        if let Err(error) = connection.process_new_packets() {
            let _ = send(connection, wire); // the alert that tells the server why
            return Err(ureq::Error::Rustls(error));
        }
    }
    Ok(())
}

fn send(connection: &mut ClientConnection, wire: &mut Wire) -> io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(wire)?;
    }
    Ok(())
}

/// Takes in what one read brings. After the handshake, errors of TLS are those of a line that broke
/// or of a server that says no late: [`ureq::Error::Io`], unlike those of the handshake.
fn receive(connection: &mut ClientConnection, wire: &mut Wire) -> io::Result<()> {
    send(connection, wire)?; // answers to key updates
    connection.read_tls(wire)?;
    if let Err(error) = connection.process_new_packets() {
        let _ = send(connection, wire);
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    Ok(())
}

/// HTTP over TLS.
struct TlsTransport {
    buffers: LazyBuffers,
    connection: ClientConnection,
    wire: Wire,
    closed: bool,
}

impl TlsTransport {
    /// The alert that explains why a server hung up on us, where there is one.
    fn last_words(&mut self, error: io::Error) -> io::Error {
        if !matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) {
            return error;
        }
        let heard = self.connection.read_tls(&mut self.wire);
        match heard.map(|_| self.connection.process_new_packets()) {
            Ok(Err(alert @ rustls::Error::AlertReceived(_))) => io::Error::new(io::ErrorKind::InvalidData, alert),
            _ => error,
        }
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.wire.set_timeout(timeout);
        for part in self.buffers.output()[..amount].chunks(STEP) {
            self.connection.writer().write_all(part)?;
            if let Err(error) = send(&mut self.connection, &mut self.wire) {
                return Err(self.last_words(error).into());
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.wire.set_timeout(timeout);
        let room = self.buffers.input_append_buf();
        let mut filled = 0;
        let outcome = loop {
            match self.connection.reader().read(&mut room[filled..]) {
                Ok(0) if filled < room.len() => {
                    self.closed = true;
                    break Ok(());
                }
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    break Err(io::Error::new(error.kind(), "the connection was closed without a TLS goodbye"));
                }
                Err(error) => break Err(error),
            }
            // Go on for as long as it costs no waiting.
            if filled == room.len() || (filled > 0 && !self.wire.has_input()) {
                break Ok(());
            }
            if let Err(error) = receive(&mut self.connection, &mut self.wire) {
                break Err(error);
            }
        };
        // Data first: the error comes again with the next call.
        if filled == 0 {
            outcome?;
        }
        self.buffers.input_appended(filled);
        Ok(filled > 0)
    }

    fn is_open(&mut self) -> bool {
        !self.closed && self.wire.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTransport").field("below", &self.wire.transport).finish_non_exhaustive()
    }
}

/// The transport below as a reader and writer; every call gets what is left of the time allowed.
struct Wire {
    transport: Box<dyn Transport>,
    timeout: NextTimeout,
    since: Instant,
    clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    /// The first byte that came.
    first: Option<u8>,
}

impl Wire {
    fn set_timeout(&mut self, timeout: NextTimeout) {
        self.timeout = timeout;
        self.since = (self.clock)();
    }

    fn remaining(&self) -> NextTimeout {
        let mut timeout = self.timeout;
        if let (Duration::Exact(limit), Instant::Exact(since), Instant::Exact(now)) =
            (timeout.after, self.since, (self.clock)())
        {
            timeout.after = limit.saturating_sub(now.saturating_duration_since(since)).into();
        }
        timeout
    }

    /// Whether a read would be answered at once from the buffer.
    fn has_input(&mut self) -> bool {
        self.transport.buffers().can_use_input()
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.transport.maybe_await_input(self.remaining()).map_err(ureq::Error::into_io)?;
        let input = self.transport.buffers().input();
        let n = buf.len().min(input.len());
        buf[..n].copy_from_slice(&input[..n]);
        self.first = self.first.or(input.first().copied());
        self.transport.buffers().input_consume(n);
        Ok(n)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    /// rustls hands over one slice for each record: together they are one write below.
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let output = self.transport.buffers().output();
        let mut n = 0;
        for buf in bufs {
            let take = buf.len().min(output.len() - n);
            output[n..n + take].copy_from_slice(&buf[..take]);
            n += take;
        }
        self.transport.transmit_output(n, self.remaining()).map_err(ureq::Error::into_io)?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
