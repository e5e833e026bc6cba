//! Answers that come a byte at a time for ever, so that no read ever waits for long; and answers that
//! come fast, for ever, and never get to the point.

use std::io;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::Shared;
use super::http::{Connection, Response};

/// The part of an answer that never ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drip {
    /// A header line.
    Head,
    /// Interim answers (RFC 9110 §15.2), one after the other.
    Interim,
    /// The body, of a length that is never reached: its own where it is long.
    Body,
    /// What frames a chunk, before the first byte of the body.
    Framing,
    /// Header lines after the last chunk (RFC 9112 §7.1.2): the body itself is there at once.
    Trailers,
}

/// Every part that can drip.
pub const DRIPS: [Drip; 5] = [Drip::Head, Drip::Interim, Drip::Body, Drip::Framing, Drip::Trailers];

/// Sends an answer until the client has gone or the registry ends: `every` so often a byte, or without
/// pause, in large pieces, where that is nothing.
pub fn send(
    shared: &Shared,
    connection: &mut Connection,
    response: &Response,
    drip: Drip,
    every: Duration,
) -> io::Result<()> {
    let mut body = vec![0; usize::try_from(response.length).expect("a body for memory")];
    response.content.read_at(response.offset, &mut body);
    let mut head = format!("HTTP/1.1 {} Slow\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let (at_once, endless): (Vec<u8>, &[u8]) = match drip {
        Drip::Head => (format!("{head}X-Slow: ").into_bytes(), b"a"),
        Drip::Interim => (Vec::new(), b"HTTP/1.1 102 Processing\r\n\r\n"),
        Drip::Body => {
            let length = if body.len() < 10_000 { 1_000_000_000 } else { body.len() };
            let mut all = format!("{head}Content-Length: {length}\r\n\r\n").into_bytes();
            // A body that is whole and goes on may be taken for whole.
            all.extend_from_slice(&body[..body.len().min(1)]);
            (all, b" ")
        }
        Drip::Framing => (format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes(), b"0"),
        Drip::Trailers => {
            let mut all = format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
            if !body.is_empty() {
                all.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
                all.extend_from_slice(&body);
                all.extend_from_slice(b"\r\n");
            }
            all.extend_from_slice(b"0\r\n");
            (all, b"X-Slow: a\r\n")
        }
    };
    connection.write_all(&at_once)?;
    let piece = if every.is_zero() { endless.repeat(4096) } else { endless.to_vec() };
    while !shared.stopping.load(Ordering::SeqCst) {
        if every.is_zero() {
            connection.write_all(&piece)?;
            continue;
        }
        for byte in &piece {
            connection.write_all(std::slice::from_ref(byte))?;
            thread::sleep(every);
        }
    }
    Ok(())
}
