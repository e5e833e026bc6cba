//! One request and its answer, with the faults that befall it.

use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use super::busy::Limit;
use super::drip::{self, Drip};
use super::fault::{Cut, Fault};
use super::http::{Body, Connection, Head, Response};
use super::log::Request;
use super::routes::{self, Route};
use super::{Shared, auth};

/// Serves a connection until either side closes it.
pub fn serve(shared: &Shared, connection: &mut Connection, number: u64) -> io::Result<()> {
    let one = shared.busy.connection();
    let limit = shared.options.limit;
    if matches!(limit, Some(Limit::ConnectionsOrReset(most)) if one.exceeds(most)) {
        connection.reset_on_close();
        return Ok(());
    }
    let is_one_too_many = matches!(limit, Some(Limit::ConnectionsOr503(most)) if one.exceeds(most));
    while let Some(head) = connection.read_head()? {
        if is_one_too_many {
            connection.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
            connection.finish();
            return Ok(());
        }
        if !exchange(shared, connection, number, head)? {
            break;
        }
    }
    Ok(())
}

/// Whether the connection can be used again.
fn exchange(shared: &Shared, connection: &mut Connection, number: u64, mut head: Head) -> io::Result<bool> {
    let request = Request {
        id: shared.next_request(),
        connection: number,
        method: head.method.clone(),
        path: head.path.clone(),
        query: head.query.clone(),
        headers: head.headers.clone(),
        status: 0,
        body_bytes: 0,
        sent_bytes: 0,
        at: Instant::now(),
    };
    let releases = shared.releases();
    shared.log.begin(&request);
    let mut faults = shared.rules.befall(&request);
    let one = shared.busy.request();
    if matches!(shared.options.limit, Some(Limit::Requests(most)) if one.exceeds(most)) {
        faults = vec![Fault::Status { code: 503, headers: vec![], body: b"<h1>busy</h1>".into() }];
    }
    let has = |wanted: fn(&Fault) -> bool| faults.iter().any(wanted);
    for fault in &faults {
        match fault {
            Fault::Delay(most) => thread::sleep(shared.random_up_to(*most)),
            Fault::Wait(time) => thread::sleep(*time),
            Fault::IgnoreRange => head.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("range")),
            _ => {}
        }
    }

    let count = |n| shared.log.update(request.id, |entry| entry.body_bytes += n);
    let mut body = connection.body(&head, Box::new(count));
    for fault in &faults {
        if let Fault::CutUploadAfter(n) | Fault::StallUploadAfter(n) = fault {
            body.cut_after(*n);
        }
    }
    let seen = Request { headers: head.headers.clone(), ..request.clone() };
    let answer = decide(shared, &seen, &faults, &mut body);
    let unread = body.is_waited_for();
    let answer = answer.and_then(|response| body.drain().map(|()| response));
    drop(body);
    let response = match answer {
        Ok(Some(response)) => response,
        Ok(None) => {
            connection.reset_on_close();
            return Ok(false);
        }
        Err(error) => {
            if has(|f| matches!(f, Fault::StallUploadAfter(_))) {
                shared.wait_for_release(releases);
            }
            if has(|f| matches!(f, Fault::StallUploadAfter(_) | Fault::CutUploadAfter(_))) {
                connection.reset_on_close();
            }
            return Err(error);
        }
    };
    if has(|f| matches!(f, Fault::NeverAnswer)) {
        shared.wait_for_release(releases);
        return Ok(false);
    }
    if has(|f| matches!(f, Fault::LoseAnswer)) {
        connection.reset_on_close();
        return Ok(false);
    }
    let asked_to_close = head.header("Connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
    send(shared, connection, &request, response, &faults, (asked_to_close || unread, releases))
}

/// The answer before faults change it on its way out; nothing where the connection is to be reset.
fn decide(shared: &Shared, request: &Request, faults: &[Fault], body: &mut Body) -> io::Result<Option<Response>> {
    let route = Route::of(&request.path);
    let writes = !matches!(request.method.as_str(), "GET" | "HEAD");
    let mut mounts = true;
    for fault in faults {
        match fault {
            Fault::Status { code, headers, body } => {
                let mut response = Response::new(*code);
                response.headers.clone_from(headers);
                response.length = body.len() as u64;
                response.content = body.clone().into();
                return Ok(Some(response));
            }
            Fault::Reset => {
                body.drain()?;
                return Ok(None);
            }
            Fault::Redirect(status, to) => {
                let to = to.replace("{path}", &request.target());
                return Ok(Some(Response::new(*status).with("Location", to)));
            }
            Fault::HeadSays { status, length } if request.method == "HEAD" => {
                let mut response = Response::new(*status);
                match length {
                    Some(length) => response.set("Content-Length", length.to_string()),
                    None => response.set("Transfer-Encoding", "chunked"),
                }
                return Ok(Some(response));
            }
            Fault::MaxBody(most) if writes && body.announced().is_none_or(|length| length > *most) => {
                return Ok(Some(Response::new(413).content("text/html", b"<h1>413</h1>".to_vec().into())));
            }
            Fault::RefuseMonolithic(status) => {
                let whole = request.method == "PUT" && matches!(route, Route::Session(..))
                    || request.method == "POST" && !request.query_values("digest").is_empty();
                if whole && body.announced() != Some(0) {
                    return Ok(Some(Response::error(*status, "UNSUPPORTED", "upload in chunks, please")));
                }
            }
            Fault::RefuseRange(status) if request.header("Range").is_some() => return Ok(Some(Response::new(*status))),
            Fault::RefuseExpect(status) if request.header("Expect").is_some() => {
                return Ok(Some(Response::new(*status)));
            }
            Fault::RefuseMount => mounts = false,
            _ => {}
        }
    }
    if let (Route::Token, Some(tokens)) = (&route, &shared.options.tokens) {
        let mut form = Vec::new();
        body.read_to_end(&mut form)?;
        return Ok(Some(tokens.endpoint(request, &form)));
    }
    let here = shared.url();
    if let Some(refusal) = auth::check(&shared.options.auths, request, &here, &route.scopes(request)) {
        return Ok(Some(refusal));
    }
    routes::answer(shared, request, body, mounts).map(Some)
}

#[derive(Clone, Copy, PartialEq)]
enum Framing {
    Length,
    Chunked,
    UntilClose,
}

/// How the body goes out.
struct Delivery {
    framing: Framing,
    length_off_by: i64,
    cut: Option<(u64, Cut)>,
    stall: Option<u64>,
    flip: Option<u64>,
    rate: Option<u64>,
    drip: Option<(Drip, Duration)>,
    endless: bool,
    close: bool,
    say_close: bool,
}

impl Delivery {
    /// Reads the faults; those that change the answer itself do so at once.
    fn of(faults: &[Fault], response: &mut Response, close: bool) -> Self {
        let mut delivery = Self {
            framing: Framing::Length,
            length_off_by: 0,
            cut: None,
            stall: None,
            flip: None,
            rate: None,
            drip: None,
            endless: false,
            close,
            say_close: close,
        };
        for fault in faults {
            match fault {
                Fault::CutBodyAfter(n, cut) => delivery.cut = Some((*n, *cut)),
                Fault::StallAfter(n) => delivery.stall = Some(*n),
                Fault::Drip(part, every) => delivery.drip = Some((*part, *every)),
                Fault::Rate(rate) => delivery.rate = Some(*rate),
                Fault::FlipByte(n) => delivery.flip = Some(*n),
                Fault::WrongLength(by) => (delivery.length_off_by, delivery.close) = (*by, true),
                Fault::Chunked => delivery.framing = Framing::Chunked,
                Fault::UntilClose => (delivery.framing, delivery.close) = (Framing::UntilClose, true),
                Fault::Endless => (delivery.framing, delivery.endless) = (Framing::Chunked, true),
                Fault::CloseAfter => delivery.close = true,
                Fault::Body(bytes) => {
                    response.content = bytes.clone().into();
                    (response.offset, response.length) = (0, bytes.len() as u64);
                }
                Fault::Truncate(n) => response.length = response.length.min(*n),
                Fault::ShiftRange(by) if response.status == 206 => {
                    let most = response.content.len() - response.length;
                    response.offset = response.offset.saturating_add_signed(*by).min(most);
                }
                Fault::LyingContentRange(lie) if response.status == 206 => response.set("Content-Range", lie),
                Fault::Header(name, value) => response.set(name, value),
                Fault::NoHeader(name) => response.remove(name),
                Fault::Change(change) => change(response),
                _ => {}
            }
        }
        delivery
    }

    fn head(&self, response: &Response) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", response.status, reason(response.status));
        for (name, value) in &response.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let stated = response.header("Content-Length").is_some() || response.header("Transfer-Encoding").is_some();
        if !stated && response.status != 204 {
            match self.framing {
                Framing::Length => {
                    let length = response.length.saturating_add_signed(self.length_off_by);
                    head.push_str(&format!("Content-Length: {length}\r\n"));
                }
                Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
                Framing::UntilClose => {}
            }
        }
        if self.say_close {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

/// Whether the connection can be used again.
fn send(
    shared: &Shared,
    connection: &mut Connection,
    request: &Request,
    mut response: Response,
    faults: &[Fault],
    (close, releases): (bool, u64),
) -> io::Result<bool> {
    let delivery = Delivery::of(faults, &mut response, close);
    shared.log.update(request.id, |entry| entry.status = response.status);
    if let Some((part, every)) = delivery.drip {
        drip::send(shared, connection, &response, part, every)?;
        return Ok(false);
    }
    connection.write_all(delivery.head(&response).as_bytes())?;
    if request.method == "HEAD" || response.status == 204 {
        return Ok(!delivery.close);
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut sent = 0;
    loop {
        if delivery.cut.is_some_and(|(at, _)| sent >= at) {
            if delivery.cut.is_some_and(|(_, cut)| cut == Cut::Reset) {
                connection.reset_on_close();
            }
            return Ok(false);
        }
        if delivery.stall.is_some_and(|at| sent >= at) {
            shared.wait_for_release(releases);
            return Ok(false);
        }
        let stops = [delivery.cut.map(|(at, _)| at), delivery.stall];
        let end = stops.into_iter().flatten().fold(if delivery.endless { u64::MAX } else { response.length }, u64::min);
        let most = delivery.rate.map_or(buffer.len() as u64, |rate| (rate / 20).clamp(1, buffer.len() as u64));
        let n = usize::try_from(most.min(end.saturating_sub(sent))).expect("at most a buffer");
        if n == 0 && sent >= response.length {
            break;
        }
        if delivery.endless {
            buffer[..n].fill(b' ');
        } else {
            response.content.read_at(response.offset + sent, &mut buffer[..n]);
        }
        if let Some(at) = delivery.flip.and_then(|at| at.checked_sub(sent)).and_then(|at| usize::try_from(at).ok())
            && at < n
        {
            buffer[at] ^= 1;
        }
        // Before the write: whoever has the whole body finds it counted.
        shared.log.update(request.id, |entry| entry.sent_bytes += n as u64);
        if delivery.framing == Framing::Chunked {
            let mut chunk = format!("{n:x}\r\n").into_bytes();
            chunk.extend_from_slice(&buffer[..n]);
            chunk.extend_from_slice(b"\r\n");
            connection.write_all(&chunk)?;
        } else {
            connection.write_all(&buffer[..n])?;
        }
        sent += n as u64;
        if let Some(rate) = delivery.rate {
            thread::sleep(Duration::from_secs_f64(n as f64 / rate.max(1) as f64));
        }
    }
    if delivery.framing == Framing::Chunked {
        connection.write_all(b"0\r\n\r\n")?;
    }
    if delivery.close {
        connection.finish();
    }
    Ok(!delivery.close)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        _ => "Answer",
    }
}
