//! Connections: taken up to a limit, each ended when it is too slow, and all let go in order when somebody asks to stop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::header::USER_AGENT;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::answer::Question;
use super::body::Outgoing;
use super::pace::Paced;
use super::route::Route;
use super::stock::{Lasting, Sources, Stock};
use super::tls::Tls;
use crate::error::{Error, Result};
use crate::store::{Event, Watch};

/// Between two looks whether somebody asks to stop, or to open the bundles anew.
const TICK: Duration = Duration::from_millis(100);
/// Bytes of the head of a request, and of an answer that waits to be sent.
const MOST_BUFFERED: usize = 64 << 10;

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at a time.
    pub(super) connections: usize,
    /// For the head of a request, the handshake, and between two requests.
    pub(super) head: Duration,
    /// For the next part of an answer to be taken.
    pub(super) idle: Duration,
    /// For what is under way when somebody asks to stop.
    pub(super) grace: Duration,
}

/// A server at work.
pub(super) struct Server {
    pub(super) sources: Sources,
    pub(super) tls: Tls,
    pub(super) address: SocketAddr,
    pub(super) limits: Limits,
    pub(super) lasting: Lasting,
    pub(super) watch: Arc<dyn Watch>,
    pub(super) stock: RwLock<Arc<Stock>>,
    pub(super) secure: RwLock<Option<Arc<ServerConfig>>>,
    /// One who opens the bundles anew at a time.
    pub(super) reloading: Mutex<()>,
}

impl Server {
    /// Answers until somebody asks to stop, and then what is under way.
    ///
    /// # Errors
    /// When no connections can be taken any more.
    pub(super) async fn run(self: Arc<Self>, listener: TcpListener) -> Result<()> {
        let (graceful, slots) = (GracefulShutdown::new(), Arc::new(Semaphore::new(self.limits.connections)));
        let mut reloads = self.watch.reloads();
        let mut slot = None;
        while self.watch.stopped().is_none() {
            if self.watch.reloads() != reloads {
                reloads = self.watch.reloads();
                let server = self.clone();
                drop(tokio::task::spawn_blocking(move || server.reload()));
            }
            // Those who are too slow make room sooner or later; until then others wait in the system's queue.
            if slot.is_none() {
                slot = timeout(TICK, slots.clone().acquire_owned()).await.ok().and_then(|slot| slot.ok());
                if slot.is_none() {
                    continue;
                }
            }
            match timeout(TICK, listener.accept()).await {
                Err(_) => {}
                Ok(Ok((stream, client))) => {
                    let (server, watcher, slot) = (self.clone(), graceful.watcher(), slot.take());
                    tokio::spawn(async move {
                        server.lasting.metrics.connected();
                        server.clone().connection(stream, client, watcher).await;
                        server.lasting.metrics.gone();
                        drop(slot);
                    });
                }
                // One that went away meanwhile, or no more files may be open: others come, and others go.
                Ok(Err(error)) => {
                    self.watch.on(Event::Warning { message: &format!("a connection could not be taken: {error}") });
                    tokio::time::sleep(TICK).await;
                }
            }
        }
        drop(listener);
        // What is not done by then is cut: a client asks again for the rest, and elsewhere.
        drop(timeout(self.limits.grace, graceful.shutdown()).await);
        Ok(())
    }

    /// Opens the bundles and reads the certificate anew. What cannot be opened leaves what is there.
    fn reload(&self) {
        let _alone = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = self.sources.open(self.lasting.clone(), self.watch.as_ref());
        let secure = self.tls.config(self.address.ip());
        self.lasting.metrics.reloaded(opened.is_ok() && secure.is_ok());
        let keep = |error: Error| {
            let message = format!("not taken in, and all goes on as before: {error}");
            self.watch.on(Event::Warning { message: &message });
        };
        match secure {
            Ok(secure) => *self.secure.write().unwrap_or_else(PoisonError::into_inner) = secure,
            Err(error) => keep(error),
        }
        match opened {
            Ok(stock) => {
                let images = stock.catalogue.images().len() as u64;
                *self.stock.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stock);
                self.watch.on(Event::Reloaded { images });
            }
            Err(error) => keep(error),
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr, watcher: Watcher) {
        // It only saves time.
        let _ = stream.set_nodelay(true);
        let secure = self.secure.read().unwrap_or_else(PoisonError::into_inner).clone();
        let is_done = match secure {
            None => self.clone().speak(stream, client, watcher).await,
            Some(config) => match timeout(self.limits.head, TlsAcceptor::from(config).accept(stream)).await {
                Ok(Ok(stream)) => self.clone().speak(stream, client, watcher).await,
                Ok(Err(_)) | Err(_) => false,
            },
        };
        if !is_done {
            self.lasting.metrics.refused();
        }
    }

    /// Answers the requests of one connection. False where it ended for being too slow.
    async fn speak<S>(self: Arc<Self>, stream: S, client: SocketAddr, watcher: Watcher) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Limits { head, idle, .. } = self.limits;
        let server = self.clone();
        let service = service_fn(move |request| server.clone().answered(request, client));
        let io = TokioIo::new(Paced::new(stream, idle));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_buf_size(MOST_BUFFERED)
            .serve_connection(io, service);
        match watcher.watch(connection).await {
            Ok(()) => true,
            Err(e) => !e.is_timeout() && !is_timed_out(&e),
        }
    }

    async fn answered(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: SocketAddr,
    ) -> Result<Response<Outgoing>, Infallible> {
        let began = Instant::now();
        let stock = self.stock.read().unwrap_or_else(PoisonError::into_inner).clone();
        let route = Route::of(request.uri().path());
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let question = Question { stock: &stock, method, uri, headers, watch: self.watch.as_ref() };
        let response = question.answer(&route).await;
        let status = response.status().as_u16();
        let (endpoint, server) = (route.name(), self.clone());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let agent = headers.get(USER_AGENT).map(|agent| text(agent.as_bytes())).unwrap_or_default();
        let (method, target) = (method.clone(), uri.path_and_query().map(ToString::to_string).unwrap_or_default());
        Ok(response.map(|body| {
            body.then(move |bytes, broken| {
                server.lasting.metrics.answered(endpoint, counted(&method), status, bytes);
                if let Some(error) = broken {
                    server.watch.on(Event::Warning { message: &format!("cut off: {error}") });
                }
                let (method, took) = (method.as_str(), began.elapsed());
                server.watch.on(Event::Served { client, method, target: &target, status, bytes, took, agent: &agent });
            })
        }))
    }
}

/// Methods are as many as clients think of; those that are counted are few.
fn counted(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        _ => "other",
    }
}

fn is_timed_out(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}
