//! Upload sessions: POST, PATCH, PUT, GET and DELETE below `blobs/uploads/`.
//!
//! As in distribution 3, the `Location` carries a `_state` that names the offset: it must be sent
//! back as it was, and an old one is answered 416.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::Shared;
use super::http::{Body, Response};
use super::log::Request;
use super::store::{Content, Store, digest_like, is_digest};

/// Beyond this size the discarding mode keeps no bytes.
const KEPT: u64 = 1024 * 1024;

/// What has arrived of a blob.
#[derive(Default)]
struct Received {
    kept: Vec<u8>,
    hasher: Option<Sha256>,
    length: u64,
}

impl Received {
    fn push(&mut self, bytes: &[u8], discard: bool) {
        self.length += bytes.len() as u64;
        if discard && self.hasher.is_none() && self.length > KEPT {
            self.hasher = Some(Sha256::new_with_prefix(std::mem::take(&mut self.kept)));
        }
        match &mut self.hasher {
            Some(hasher) => hasher.update(bytes),
            None => self.kept.extend_from_slice(bytes),
        }
    }

    fn finish(&mut self, like: &str) -> (String, Content) {
        match self.hasher.take() {
            Some(hasher) => {
                (format!("sha256:{}", HEXLOWER.encode(&hasher.finalize())), Content::Discarded(self.length))
            }
            None => (digest_like(like, &self.kept), Content::from(std::mem::take(&mut self.kept))),
        }
    }
}

struct Session {
    repo: String,
    received: Received,
}

/// The open sessions.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<HashMap<String, Arc<Mutex<Session>>>>,
}

impl Sessions {
    /// How many are open.
    pub fn count(&self) -> usize {
        self.open.lock().expect("sessions").len()
    }

    /// Forgets them all, as a registry does that was restarted.
    pub fn forget(&self) {
        self.open.lock().expect("sessions").clear();
    }

    fn find(&self, repo: &str, id: &str) -> Option<Arc<Mutex<Session>>> {
        let found = self.open.lock().expect("sessions").get(id).cloned()?;
        let same = found.lock().expect("session").repo == repo;
        same.then_some(found)
    }

    fn close(&self, id: &str) {
        self.open.lock().expect("sessions").remove(id);
    }
}

/// `POST /v2/<repo>/blobs/uploads/`
pub fn start(shared: &Shared, request: &Request, repo: &str, body: &mut Body, mounts: bool) -> io::Result<Response> {
    let value = |name| request.query_values(name).into_iter().next();
    if let (Some(digest), Some(from), true) = (value("mount"), value("from"), mounts) {
        let mut store = shared.store.lock().expect("store");
        if store.blob(&from, &digest).is_some() && store.shows(&from, &digest) {
            delay(&mut store, shared, repo, &digest);
            store.link_blob(repo, &digest);
            return Ok(created(shared, request, repo, &digest));
        }
    }
    let session = Session { repo: repo.into(), received: Received::default() };
    if let Some(digest) = value("digest") {
        let session = Mutex::new(session);
        receive(shared, &session, body)?;
        return Ok(finish(shared, request, repo, &session, &digest));
    }
    let id = format!("{:032x}", fastrand::u128(..));
    shared.sessions.open.lock().expect("sessions").insert(id.clone(), Arc::new(Mutex::new(session)));
    Ok(progress(shared, request, repo, &id, 0, 202))
}

/// Everything on a session that is open.
pub fn go_on(shared: &Shared, request: &Request, repo: &str, id: &str, body: &mut Body) -> io::Result<Response> {
    let Some(session) = shared.sessions.find(repo, id) else {
        return Ok(Response::error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"));
    };
    let at = session.lock().expect("session").received.length;
    match request.method.as_str() {
        "GET" => return Ok(progress(shared, request, repo, id, at, 204)),
        "DELETE" => {
            shared.sessions.close(id);
            return Ok(Response::new(204));
        }
        "PATCH" | "PUT" => {}
        _ => return Ok(Response::error(405, "UNSUPPORTED", "the operation is unsupported")),
    }
    match request.query_values("_state").first().map(|state| state.parse::<u64>()) {
        Some(Ok(state)) if state == at => {}
        Some(Ok(_)) => return Ok(Response::error(416, "RANGE_INVALID", "the state is out of date")),
        _ => return Ok(Response::error(400, "BLOB_UPLOAD_INVALID", "the state is absent or malformed")),
    }
    // On PUT, distribution appends without a look at the range.
    if let (Some(range), "PATCH") = (request.header("Content-Range"), request.method.as_str()) {
        let start = range.split_once('-').and_then(|(start, _)| start.parse::<u64>().ok());
        if start != Some(at) {
            let mut response = progress(shared, request, repo, id, at, 416);
            response.length = 0;
            return Ok(response);
        }
    }
    if let Err(error) = receive(shared, &session, body) {
        if shared.options.drop_sessions {
            shared.sessions.close(id);
        }
        return Err(error);
    }
    if request.method == "PATCH" {
        let at = session.lock().expect("session").received.length;
        return Ok(progress(shared, request, repo, id, at, 202));
    }
    shared.sessions.close(id);
    let digest = request.query_values("digest").into_iter().next().unwrap_or_default();
    Ok(finish(shared, request, repo, &session, &digest))
}

fn receive(shared: &Shared, session: &Mutex<Session>, body: &mut Body) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = body.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        session.lock().expect("session").received.push(&buffer[..n], shared.options.discard);
    }
}

fn finish(shared: &Shared, request: &Request, repo: &str, session: &Mutex<Session>, digest: &str) -> Response {
    let (actual, content) = session.lock().expect("session").received.finish(digest);
    if !is_digest(digest) || actual != digest {
        return Response::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    let mut store = shared.store.lock().expect("store");
    delay(&mut store, shared, repo, digest);
    store.put_blob(repo, digest, content);
    drop(store);
    created(shared, request, repo, digest)
}

/// What is new shows only after a while, where the registry is like that.
fn delay(store: &mut Store, shared: &Shared, repo: &str, digest: &str) {
    if store.blob(repo, digest).is_none() {
        store.delay(repo, digest, shared.options.lag);
    }
}

fn created(shared: &Shared, request: &Request, repo: &str, digest: &str) -> Response {
    Response::new(201)
        .with("Location", shared.location(request, &format!("/v2/{repo}/blobs/{digest}")))
        .with("Docker-Content-Digest", digest)
}

fn progress(shared: &Shared, request: &Request, repo: &str, id: &str, at: u64, status: u16) -> Response {
    Response::new(status)
        .with("Location", shared.location(request, &format!("/v2/{repo}/blobs/uploads/{id}?_state={at}")))
        // Also after nothing at all: 0-0 means none or one byte.
        .with("Range", format!("0-{}", at.saturating_sub(1)))
        .with("Docker-Upload-UUID", id)
}
