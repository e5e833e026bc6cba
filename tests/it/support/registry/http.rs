//! HTTP/1.1 on the server's side: heads, bodies by length and in chunks, keep-alive, `Expect`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use super::store::Content;

const MAX_HEAD: usize = 128 * 1024;

/// The only handle on a connection's socket: dropping it closes the connection.
pub struct Socket(Arc<TcpStream>);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ServerConnection, Socket>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

/// A client's connection.
pub struct Connection {
    stream: BufReader<Stream>,
    tcp: Arc<TcpStream>,
}

/// The head of a request.
pub struct Head {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    pub fn new(tcp: Arc<TcpStream>, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        let socket = Socket(tcp.clone());
        let stream = match tls {
            None => Stream::Plain(socket),
            Some(config) => {
                let session = ServerConnection::new(config).map_err(io::Error::other)?;
                Stream::Tls(Box::new(StreamOwned::new(session, socket)))
            }
        };
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), tcp })
    }

    /// The next request's head; `None` when the client has closed the connection.
    pub fn read_head(&mut self) -> io::Result<Option<Head>> {
        let mut text = Vec::new();
        // Such as TLS spoken to a plain server: real ones say so at once and do not wait for more.
        if self.stream.fill_buf()?.first().is_some_and(|first| !first.is_ascii_uppercase()) {
            self.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        loop {
            let left = (MAX_HEAD - text.len()) as u64;
            let line = Read::take(&mut self.stream, left).read_until(b'\n', &mut text)?;
            if line == 0 {
                return if text.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            if text.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let mut lines = [httparse::EMPTY_HEADER; 128];
        let mut parsed = httparse::Request::new(&mut lines);
        parsed.parse(&text).map_err(io::Error::other)?;
        let target = parsed.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // The one reserved character that a digest contains.
        let path = path.replace("%3A", ":").replace("%3a", ":");
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        Ok(Some(Head {
            method: parsed.method.unwrap_or_default().into(),
            path,
            query: query.into(),
            headers: parsed.headers.iter().map(|h| (h.name.into(), text(h.value))).collect(),
        }))
    }

    /// The body that follows `head`. `on_bytes` hears of the bytes as they arrive.
    pub fn body<'a>(&'a mut self, head: &Head, on_bytes: Box<dyn FnMut(u64) + 'a>) -> Body<'a> {
        let chunked = head.header("Transfer-Encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked"));
        let length = head.header("Content-Length").and_then(|v| v.parse().ok());
        let framing = if chunked { Framing::Chunked { left: 0, first: true } } else { Framing::Length };
        let expects = head.header("Expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue"));
        let left = if chunked { u64::MAX } else { length.unwrap_or(0) };
        Body { connection: self, framing, left, received: 0, limit: None, expects, on_bytes }
    }

    /// From now on, closing is an RST: the client sees "connection reset by peer".
    pub fn reset_on_close(&self) {
        let _ = SockRef::from(&*self.tcp).set_linger(Some(Duration::ZERO));
    }

    /// Says that this is the whole of it, where TLS can say so.
    pub fn finish(&mut self) {
        if let Stream::Tls(tls) = self.stream.get_mut() {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
    }

    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.get_mut() {
            Stream::Plain(socket) => socket.write_all(bytes),
            Stream::Tls(tls) => {
                tls.write_all(bytes)?;
                tls.flush()
            }
        }
    }
}

enum Framing {
    Length,
    Chunked { left: u64, first: bool },
}

/// The body of a request as it arrives.
pub struct Body<'a> {
    connection: &'a mut Connection,
    framing: Framing,
    left: u64,
    received: u64,
    limit: Option<u64>,
    expects: bool,
    on_bytes: Box<dyn FnMut(u64) + 'a>,
}

impl Body<'_> {
    /// The length that the client announced, if it did.
    pub fn announced(&self) -> Option<u64> {
        matches!(self.framing, Framing::Length).then_some(self.left + self.received)
    }

    /// Makes the read that would go beyond `limit` bytes fail, without asking the client for more.
    pub fn cut_after(&mut self, limit: u64) {
        self.limit = Some(limit);
    }

    /// Whether the client waits to be told to go on. If the answer comes first, no body follows.
    pub fn is_waited_for(&self) -> bool {
        self.expects && self.received == 0 && self.left > 0
    }

    /// Reads what is left, so that the answer is not lost in a reset.
    pub fn drain(&mut self) -> io::Result<()> {
        if self.is_waited_for() {
            return Ok(());
        }
        io::copy(self, &mut io::sink()).map(drop)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        Read::take(&mut self.connection.stream, 1024).read_line(&mut line)?;
        if line.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line.trim_end().into()) }
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let Framing::Chunked { left: 0, first } = self.framing else { return Ok(()) };
        if !first {
            self.line()?;
        }
        let line = self.line()?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        self.framing = Framing::Chunked { left: size, first: false };
        if size == 0 {
            while !self.line()?.is_empty() {}
            self.left = 0;
        }
        Ok(())
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        if self.limit.is_some_and(|limit| self.received >= limit) {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut here by a fault"));
        }
        if self.is_waited_for() {
            self.expects = false;
            self.connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        self.next_chunk()?;
        let mut want = self.left;
        if let Framing::Chunked { left, .. } = self.framing {
            want = want.min(left);
        }
        if let Some(limit) = self.limit {
            want = want.min(limit - self.received);
        }
        if want == 0 {
            return Ok(0);
        }
        let want = usize::try_from(want).unwrap_or(usize::MAX).min(buffer.len());
        let got = self.connection.stream.read(&mut buffer[..want])?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.received += got as u64;
        match &mut self.framing {
            Framing::Length => self.left -= got as u64,
            Framing::Chunked { left, .. } => *left -= got as u64,
        }
        (self.on_bytes)(got as u64);
        Ok(got)
    }
}

/// An answer in the making.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub content: Content,
    /// The first byte of the content that is sent.
    pub offset: u64,
    /// How many bytes of it are sent.
    pub length: u64,
}

impl Response {
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::from(Vec::new()), offset: 0, length: 0 }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    pub fn content(mut self, media_type: &str, content: Content) -> Self {
        self.set("Content-Type", media_type);
        self.length = content.len();
        self.content = content;
        self
    }

    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status).content("application/json", Content::from(value.to_string().into_bytes()))
    }

    /// An error body as distribution-spec words it.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &serde_json::json!({"errors": [{"code": code, "message": message}]}))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Sets a header, in place of one that may be there.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.headers.push((name.into(), value.into()));
    }

    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }
}
