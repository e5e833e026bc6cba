//! Lists that come page by page: each page asked for at the address the one before named, and an
//! end to it whatever the registry says.

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use super::auth::scope::Scope;
use super::link::next_link;
use super::peer::Peer;
use super::transport::Transport;
use super::wire::exchange::{Method, Request, Response};
use super::wire::origin::Purpose;
use crate::error::{Error, Kind, Result};

/// More pages than any list has.
pub(crate) const MOST_PAGES: usize = 1_000;
/// One page, in bytes: what registries allow a manifest.
const MOST_PAGE: u64 = 4 << 20;
/// All pages of a list together, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// How often a page whose body broke off or made no sense is asked for.
const MOST_BODIES: u32 = 3;

/// One list, read as far as it was asked for.
pub(crate) struct Pages<'a> {
    transport: &'a Transport,
    peer: Arc<Peer>,
    scope: Scope,
    accept: &'static str,
    next: Option<Url>,
    seen: HashSet<Url>,
    most_pages: usize,
    bytes_left: u64,
    optional: bool,
}

impl<'a> Pages<'a> {
    /// The list at this path and query, which starts with `v2/`; at most so many pages of it.
    pub(crate) fn new(
        transport: &'a Transport,
        peer: Arc<Peer>,
        scope: Scope,
        (path, query): (&str, Option<&str>),
        accept: &'static str,
        most_pages: usize,
    ) -> Self {
        let mut url = transport.url(&peer, path);
        url.set_query(query);
        let seen = HashSet::from([url.clone()]);
        Self {
            transport,
            peer,
            scope,
            accept,
            next: Some(url),
            seen,
            most_pages,
            bytes_left: MOST_BYTES,
            optional: false,
        }
    }

    /// A list that need not be there: where another host than the registry is to have it, and has none, there is
    /// no first page.
    pub(crate) fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// What `read` makes of the content type and the bytes of the next page; `None` after the last.
    ///
    /// # Errors
    /// An answer other than 200, a page that `read` makes nothing of, a list without end, or one
    /// that goes on at another host.
    pub(crate) fn next<T>(&mut self, read: impl Fn(&str, &[u8]) -> Result<T>) -> Result<Option<T>> {
        let Some(url) = self.next.take() else { return Ok(None) };
        // A list that has begun has to be read to its end.
        let is_optional = self.optional && self.seen.len() == 1;
        let mut left = MOST_BODIES;
        loop {
            left -= 1;
            let mut request = Request::new(Method::GET, url.clone()).header("accept", self.accept);
            request.optional = is_optional;
            let shown = request.shown.clone();
            let mut response = self.transport.send(&self.peer, &self.scope, request)?;
            let elsewhere = is_optional && (!response.is_registry || (300..400).contains(&response.status));
            if response.status != 200 && elsewhere {
                response.drain();
                return Ok(None);
            }
            if response.status != 200 {
                return Err(response.failure(&shown));
            }
            let content_type = response.header("content-type").unwrap_or_default().to_owned();
            let next = self.link(&url, &response, &shown)?;
            let body = response.bytes(MOST_PAGE.min(self.bytes_left));
            match body.and_then(|bytes| Ok((bytes.len() as u64, read(&content_type, &bytes)?))) {
                Ok((bytes, page)) => {
                    self.bytes_left -= bytes;
                    self.seen.extend(next.clone());
                    self.next = next;
                    return Ok(Some(page));
                }
                Err(e) if elsewhere && e.kind() == Kind::Content => return Ok(None),
                Err(e) if left > 0 && matches!(e.kind(), Kind::Transient | Kind::Content) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Where the list goes on, if it does.
    fn link(&self, from: &Url, response: &Response, shown: &str) -> Result<Option<Url>> {
        for header in response.headers.get_all("link") {
            let text = header.to_str().map_err(|_| Error::content(format!("{shown}: a Link that is no text")))?;
            let Some(target) = next_link(text).map_err(|e| Error::from(e).at(shown))? else { continue };
            let url = self.peer.origin().follow(Purpose::Page, from, target)?.url;
            if self.seen.contains(&url) {
                return Err(Error::content(format!("{shown}: the list goes on where it was before, and so for ever")));
            }
            if self.seen.len() == self.most_pages {
                return Err(Error::content(format!("{shown}: the list has more than {} pages", self.most_pages)));
            }
            return Ok(Some(url));
        }
        Ok(None)
    }
}
