//! A proxy as companies have them (squid with its default rules): requests for `http:` URLs are handed to it
//! whole (RFC 9112 §3.2.2), and it opens tunnels to port 443 only. Whatever is asked for leads to one place, so
//! that a name nobody can resolve leads to a registry of the test.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What squid says when it says no.
const PAGE: &str =
    "<!DOCTYPE html><html><head><title>ERROR: The requested URL could not be retrieved</title></head></html>";

/// How it lets people through.
#[derive(Clone)]
struct Rules {
    target: SocketAddr,
    /// What it answers instead.
    refuses: Option<u16>,
    /// The `Proxy-Authorization` that it wants.
    wants: Option<String>,
}

/// A running proxy. Its threads end with the connections.
pub struct Gateway {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// One that lets everybody through, to `target`.
    pub fn to(target: SocketAddr) -> Self {
        Self::start(Rules { target, refuses: None, wants: None })
    }

    /// One that answers everything with this status.
    pub fn refusing(status: u16) -> Self {
        let target = SocketAddr::from(([127, 0, 0, 1], 9));
        Self::start(Rules { target, refuses: Some(status), wants: None })
    }

    /// One that wants to be shown this, and sends requests on to `target` without it.
    pub fn guarded(target: SocketAddr, authorization: &str) -> Self {
        Self::start(Rules { target, refuses: None, wants: Some(authorization.into()) })
    }

    fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (log, rules) = (log.clone(), rules.clone());
                // An error ends a connection: the client's doing, or the registry's.
                std::thread::spawn(move || serve(&client, &rules, &log));
            }
        });
        Self { address, asked }
    }

    /// `127.0.0.1:PORT`
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The first lines of the requests that came.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Serves a connection, request by request. One connection to the target carries them all.
fn serve(client: &TcpStream, rules: &Rules, log: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?);
    let mut server: Option<TcpStream> = None;
    while let Some(head) = read_head(&mut lines)? {
        let first = head[0].clone();
        log.lock().expect("no panic").push(first.clone());
        let field = |name: &str| {
            let fields = head[1..].iter().filter_map(|line| line.split_once(':'));
            fields.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim().to_owned())
        };
        let (method, target) = first.split_once(' ').unwrap_or_default();
        let refusal = match rules {
            Rules { refuses: Some(status), .. } => Some(*status),
            Rules { wants: Some(wanted), .. } if field("proxy-authorization").as_ref() != Some(wanted) => Some(407),
            _ if method == "CONNECT" && !target.contains(":443 ") => Some(403),
            _ if method != "CONNECT" && !target.starts_with("http://") => Some(400),
            _ => None,
        };
        if let Some(status) = refusal {
            let length = if method == "HEAD" { 0 } else { PAGE.len() };
            let page = &PAGE[..length];
            write!(
                &mut &*client,
                "HTTP/1.1 {status} No\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{page}"
            )?;
            return client.shutdown(Shutdown::Write);
        }
        if method == "CONNECT" {
            (&mut &*client).write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
            let mut server = connect(rules, client)?;
            io::copy(&mut lines, &mut server)?;
            return server.shutdown(Shutdown::Write);
        }
        let server = match &mut server {
            Some(server) => server,
            none => none.insert(connect(rules, client)?),
        };
        let whole = target.strip_prefix("http://").unwrap_or_default();
        let path = whole.find('/').map_or("/", |at| &whole[at..]);
        let mut sent = format!("{method} {path}\r\nVia: 1.1 gateway.test\r\n");
        for line in head[1..].iter().filter(|line| !line.to_ascii_lowercase().starts_with("proxy-")) {
            sent.push_str(&format!("{line}\r\n"));
        }
        server.write_all(format!("{sent}\r\n").as_bytes())?;
        let length = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        io::copy(&mut (&mut lines).take(length), server)?;
    }
    Ok(())
}

/// A connection to the target, whose answers go back to the client as they come.
fn connect(rules: &Rules, client: &TcpStream) -> io::Result<TcpStream> {
    let server = TcpStream::connect(rules.target)?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        // Either end may go first.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    Ok(server)
}

/// The lines of a head; `None` at the end.
fn read_head(lines: &mut impl BufRead) -> io::Result<Option<Vec<String>>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => return Ok(Some(head).filter(|head| !head.is_empty())),
            line => head.push(line.to_owned()),
        }
    }
}
