//! A bad network: a TCP proxy that cuts, slows, delays and counts.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

/// Of what was passed on, the kernel holds at most about this much, in bytes.
const BUFFER: usize = 64 << 10;

/// A proxy that is not started yet.
pub struct Builder {
    to: SocketAddr,
    cut: Option<Range<u64>>,
    cuts: usize,
}

impl Builder {
    /// Resets each connection after a random number of bytes of this range, both directions together.
    pub fn reset_after(mut self, bytes: Range<u64>) -> Self {
        self.cut = Some(bytes);
        self
    }

    /// Resets at most this many connections.
    pub fn resets(mut self, most: usize) -> Self {
        self.cuts = most;
        self
    }

    /// Starts it on a free port of 127.0.0.1.
    pub fn start(self) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("an address to listen on");
        let address = listener.local_addr().expect("the listener's address");
        let shared = Arc::new(Shared {
            cuts_left: AtomicUsize::new(self.cuts),
            random: Mutex::new(fastrand::Rng::with_seed(0)),
            settings: self,
            stopping: AtomicBool::new(false),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            sockets: Mutex::default(),
        });
        let accepting = shared.clone();
        let acceptor = thread::spawn(move || accept(&accepting, &listener));
        Proxy { address, shared, acceptor: Some(acceptor) }
    }
}

struct Shared {
    settings: Builder,
    cuts_left: AtomicUsize,
    random: Mutex<fastrand::Rng>,
    stopping: AtomicBool,
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicUsize,
    sockets: Mutex<Vec<Weak<TcpStream>>>,
}

/// A running proxy; it ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy before this address.
    pub fn to(address: SocketAddr) -> Builder {
        Builder { to: address, cut: None, cuts: usize::MAX }
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Bytes from clients that were passed on.
    pub fn bytes_up(&self) -> u64 {
        self.shared.up.load(Ordering::SeqCst)
    }

    /// Bytes to clients that were passed on.
    pub fn bytes_down(&self) -> u64 {
        self.shared.down.load(Ordering::SeqCst)
    }

    /// Connections made so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for socket in self.shared.sockets.lock().expect("sockets").iter().filter_map(Weak::upgrade) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    for client in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(client), Ok(server)) = (client, TcpStream::connect(shared.settings.to)) else { continue };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        for end in [&client, &server] {
            // Small, so that what an end believes sent is not far ahead of what the other has.
            let _ = SockRef::from(end).set_send_buffer_size(BUFFER);
        }
        let (client, server) = (Arc::new(client), Arc::new(server));
        let mut sockets = shared.sockets.lock().expect("sockets");
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.extend([Arc::downgrade(&client), Arc::downgrade(&server)]);
        drop(sockets);
        let budget = shared.settings.cut.clone().map(|range| shared.random.lock().expect("random").u64(range));
        let line = Arc::new(Line { budget: AtomicU64::new(budget.unwrap_or(u64::MAX)), dead: AtomicBool::new(false) });
        for (from, to, upward) in [(&client, &server, true), (&server, &client, false)] {
            let pipe = Pipe { from: from.clone(), to: to.clone(), upward, line: line.clone() };
            let shared = shared.clone();
            thread::spawn(move || pipe.run(&shared));
        }
    }
}

/// What the two directions of a connection share.
struct Line {
    budget: AtomicU64,
    dead: AtomicBool,
}

/// One direction of one connection.
struct Pipe {
    from: Arc<TcpStream>,
    to: Arc<TcpStream>,
    upward: bool,
    line: Arc<Line>,
}

impl Pipe {
    fn run(&self, shared: &Shared) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(n) = (&*self.from).read(&mut buffer) {
            if self.line.dead.load(Ordering::SeqCst) {
                return;
            }
            let left = self.line.budget.load(Ordering::SeqCst);
            let cut = n as u64 > left && self.may_cut(shared);
            let pass = if cut { usize::try_from(left).unwrap_or(n) } else { n };
            self.line.budget.store(left.saturating_sub(pass as u64), Ordering::SeqCst);
            let total = if self.upward { &shared.up } else { &shared.down };
            total.fetch_add(pass as u64, Ordering::SeqCst);
            if n == 0 || (&*self.to).write_all(&buffer[..pass]).is_err() {
                break;
            }
            if cut {
                return self.reset();
            }
        }
        let _ = self.to.shutdown(Shutdown::Write);
    }

    fn may_cut(&self, shared: &Shared) -> bool {
        let take = |left: usize| left.checked_sub(1);
        shared.cuts_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
    }

    /// Without a linger time the last close sends an RST. Shutting down only the reading half wakes
    /// the other direction's thread, which holds the sockets too, and sends nothing by itself.
    fn reset(&self) {
        self.line.dead.store(true, Ordering::SeqCst);
        for socket in [&self.from, &self.to] {
            let _ = SockRef::from(&**socket).set_linger(Some(Duration::ZERO));
            let _ = socket.shutdown(Shutdown::Read);
        }
    }
}
