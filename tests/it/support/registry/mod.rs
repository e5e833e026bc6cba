//! A registry in this process, by distribution-spec v1.1: correct by default, and wrong on demand.
//!
//! `Registry::start()` gives one on a free port of 127.0.0.1; it ends when dropped. What is to go
//! wrong is said by [`Registry::fault`]; what was asked of it is in [`Registry::requests`].

mod auth;
mod builder;
mod busy;
mod drip;
mod echo;
mod exchange;
mod fault;
mod http;
mod log;
mod routes;
mod seed;
mod store;
mod uploads;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use auth::{Auth, Tokens};
pub use builder::Builder;
pub use busy::Limit;
pub use drip::{DRIPS, Drip};
pub use echo::{FIELDS, Field, echo, forms};
pub use fault::{Cut, Fault, Match};
pub use log::Request;
pub use seed::Seeded;
pub use store::{Content, descriptors, digest_like};

use builder::Options;
use store::{Store, Stored};

/// How long a test waits for the registry to see something.
const PATIENCE: Duration = Duration::from_secs(30);

struct Shared {
    address: SocketAddr,
    options: Options,
    store: Mutex<Store>,
    sessions: uploads::Sessions,
    log: log::Log,
    rules: fault::Rules,
    random: Mutex<fastrand::Rng>,
    busy: busy::Busy,
    requests: AtomicU64,
    connections: AtomicU64,
    stopping: AtomicBool,
    releases: Mutex<u64>,
    released: Condvar,
    /// Weak, so that only the thread that serves a connection decides when its socket closes.
    sockets: Mutex<Vec<Weak<TcpStream>>>,
}

impl Shared {
    fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    fn url(&self) -> String {
        let scheme = if self.options.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// A path of this registry as it goes into a `Location` header.
    fn location(&self, request: &Request, path: &str) -> String {
        if self.options.relative {
            return path.into();
        }
        let scheme = if self.options.tls.is_some() { "https" } else { "http" };
        let host = request.header("Host").map_or_else(|| self.address.to_string(), str::to_owned);
        format!("{scheme}://{host}{path}")
    }

    fn random_up_to(&self, most: Duration) -> Duration {
        most.mul_f64(self.random.lock().expect("random").f64())
    }

    /// How often it was released so far.
    fn releases(&self) -> u64 {
        *self.releases.lock().expect("releases")
    }

    /// Waits for a release after the first `before`: one that comes just before the wait counts.
    fn wait_for_release(&self, before: u64) {
        let releases = self.releases.lock().expect("releases");
        let waits = |releases: &mut u64| *releases == before && !self.stopping.load(Ordering::SeqCst);
        drop(self.released.wait_while(releases, waits).expect("releases"));
    }

    fn release(&self) {
        *self.releases.lock().expect("releases") += 1;
        self.released.notify_all();
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let stream = Arc::new(stream);
        let mut sockets = shared.sockets.lock().expect("sockets");
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.push(Arc::downgrade(&stream));
        drop(sockets);
        let shared = shared.clone();
        thread::spawn(move || {
            let number = shared.connections.fetch_add(1, Ordering::Relaxed);
            let Ok(mut connection) = http::Connection::new(stream, shared.options.tls.clone()) else { return };
            // An error here is the client's or a fault's doing; the log shows how far it came.
            let _ = exchange::serve(&shared, &mut connection, number);
        });
    }
}

/// A running registry.
pub struct Registry {
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Registry {
    /// Strict, open to all, on a free port.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// One to be set up first.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn launch(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("an address to listen on");
        let address = listener.local_addr().expect("the listener's address");
        let shared = Arc::new(Shared {
            address,
            random: Mutex::new(fastrand::Rng::with_seed(0)),
            options,
            store: Mutex::default(),
            sessions: uploads::Sessions::default(),
            log: log::Log::default(),
            rules: fault::Rules::default(),
            busy: busy::Busy::default(),
            requests: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            releases: Mutex::new(0),
            released: Condvar::new(),
            sockets: Mutex::default(),
        });
        let accepting = shared.clone();
        let acceptor = thread::spawn(move || accept(&accepting, &listener));
        Self { shared, acceptor: Some(acceptor) }
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> String {
        self.shared.address.to_string()
    }

    /// `http://127.0.0.1:PORT`, or with https.
    pub fn url(&self) -> String {
        self.shared.url()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    fn store(&self) -> std::sync::MutexGuard<'_, Store> {
        self.shared.store.lock().expect("store")
    }

    /// Puts a blob in, and gives its sha256 digest.
    pub fn put_blob(&self, repo: &str, bytes: impl Into<Vec<u8>>) -> String {
        let bytes = bytes.into();
        let digest = digest_like("sha256:", &bytes);
        self.put_blob_as(repo, &digest, bytes);
        digest
    }

    /// Puts bytes in under any digest, right or wrong. Content is shared between repositories.
    pub fn put_blob_as(&self, repo: &str, digest: &str, bytes: impl Into<Vec<u8>>) {
        self.store().put_blob(repo, digest, Content::from(bytes.into()));
    }

    /// Puts in a blob of any size that takes no memory, and gives its digest.
    pub fn put_made_blob(&self, repo: &str, seed: u64, size: u64) -> String {
        let content = Content::Made { seed, size };
        let digest = content.digest();
        self.store().put_blob(repo, &digest, content);
        digest
    }

    /// Puts a manifest in, unchecked, and gives its sha256 digest.
    pub fn put_manifest(&self, repo: &str, tag: Option<&str>, media_type: &str, bytes: impl Into<Vec<u8>>) -> String {
        let bytes = bytes.into();
        let digest = digest_like("sha256:", &bytes);
        self.put_manifest_as(repo, &digest, tag, media_type, bytes);
        digest
    }

    /// Puts a manifest in under any digest, right or wrong.
    pub fn put_manifest_as(
        &self,
        repo: &str,
        digest: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: impl Into<Vec<u8>>,
    ) {
        let stored = Stored { media_type: media_type.into(), bytes: bytes.into().into() };
        self.store().put_manifest(repo, digest, tag, stored);
    }

    /// Takes a blob out of a repository.
    pub fn remove_blob(&self, repo: &str, digest: &str) {
        if let Some(repository) = self.store().repositories.get_mut(repo) {
            repository.blobs.remove(digest);
        }
    }

    /// Takes a manifest out of a repository; its tags stay and lead nowhere.
    pub fn remove_manifest(&self, repo: &str, digest: &str) {
        if let Some(repository) = self.store().repositories.get_mut(repo) {
            repository.manifests.remove(digest);
        }
    }

    /// Media type and bytes of a manifest, by tag or digest.
    pub fn manifest(&self, repo: &str, reference: &str) -> Option<(String, Vec<u8>)> {
        let (_, stored) = self.store().manifest(repo, reference)?;
        Some((stored.media_type, stored.bytes.to_vec()))
    }

    /// The digest that a tag leads to.
    pub fn digest(&self, repo: &str, tag: &str) -> Option<String> {
        Some(self.store().manifest(repo, tag)?.0)
    }

    /// Whether a repository has a blob.
    pub fn has_blob(&self, repo: &str, digest: &str) -> bool {
        self.store().blob(repo, digest).is_some()
    }

    /// The bytes of a blob, where they are kept.
    pub fn blob(&self, repo: &str, digest: &str) -> Option<Vec<u8>> {
        match self.store().blob(repo, digest)? {
            Content::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }

    /// The length of a blob.
    pub fn blob_size(&self, repo: &str, digest: &str) -> Option<u64> {
        self.store().blob(repo, digest).map(Content::len)
    }

    /// The names of all repositories.
    pub fn repositories(&self) -> Vec<String> {
        self.store().repositories.keys().cloned().collect()
    }

    /// The tags of a repository.
    pub fn tags(&self, repo: &str) -> Vec<String> {
        self.store().repositories.get(repo).map(|r| r.tags.keys().cloned().collect()).unwrap_or_default()
    }

    /// Everything that a manifest lacks here, at any depth; the reference itself where it is absent.
    pub fn missing(&self, repo: &str, reference: &str) -> Vec<String> {
        let store = self.store();
        match store.manifest(repo, reference) {
            Some((_, stored)) => store.missing(repo, &stored.bytes, true),
            None => vec![reference.into()],
        }
    }

    /// Every manifest or tag taken without all of its content, in accepting mode.
    pub fn violations(&self) -> Vec<String> {
        self.store().violations.clone()
    }

    /// How many upload sessions are open.
    pub fn open_sessions(&self) -> usize {
        self.shared.sessions.count()
    }

    /// Forgets all upload sessions, as after a restart.
    pub fn forget_sessions(&self) {
        self.shared.sessions.forget();
    }

    /// What was asked so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.all()
    }

    /// Forgets what was asked so far.
    pub fn clear_requests(&self) {
        self.shared.log.clear();
    }

    /// How many requests are like this.
    pub fn count(&self, like: impl Fn(&Request) -> bool) -> usize {
        self.requests().iter().filter(|request| like(request)).count()
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Waits until the log is as wished.
    ///
    /// # Panics
    /// When that takes longer than half a minute.
    pub fn wait_until(&self, wish: impl FnMut(&[Request]) -> bool) {
        assert!(self.shared.log.wait_until(PATIENCE, wish), "the registry never saw what was waited for");
    }

    /// Makes something go wrong. All rules that match a request apply, in the order they were added.
    pub fn fault(&self, matching: Match, fault: Fault) {
        self.shared.rules.add(matching, fault);
    }

    /// Decides for every request whether something goes wrong, besides the rules.
    pub fn intercept(&self, hook: impl Fn(&Request) -> Option<Fault> + Send + Sync + 'static) {
        self.shared.rules.intercept(Arc::new(hook));
    }

    /// Nothing goes wrong any more, and what stalls goes on to its end.
    pub fn clear_faults(&self) {
        self.shared.rules.clear();
        self.release();
    }

    /// Ends everything that stalls: those connections are closed.
    pub fn release(&self) {
        self.shared.release();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.release();
        for socket in self.shared.sockets.lock().expect("sockets").iter().filter_map(Weak::upgrade) {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        // Wakes the acceptor, which then sees that it is to stop.
        let _ = TcpStream::connect(self.shared.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}
