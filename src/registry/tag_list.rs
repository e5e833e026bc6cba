//! The tags of a repository, page by page (distribution-spec v1.1 "Listing Tags"), and the repositories of a registry,
//! as distribution lists them.

use serde::Deserialize;

use super::auth::scope::Scope;
use super::pages::{MOST_PAGES, Pages};
use super::registries::Registries;
use crate::error::{Error, Result};
use crate::oci::{Host, Repository, Tag};
use crate::store::Event;

/// Tags on a page, where the registry lets us choose.
const TAGS_A_PAGE: &str = "n=1000";

impl Registries {
    /// All tags of a repository. What is listed and is no tag is left out with a warning: nobody could ask for it.
    ///
    /// # Errors
    /// They cannot be listed, or the list has no end.
    pub(crate) fn tags(&self, at: &Repository) -> Result<Vec<Tag>> {
        let mut tags = Vec::new();
        let mut odd: Option<String> = None;
        self.each_tag_page(at, MOST_PAGES, |page| {
            for text in page {
                match text.parse() {
                    Ok(tag) => tags.push(tag),
                    Err(_) => odd = Some(text),
                }
            }
        })?;
        if let Some(odd) = odd {
            let shown: String = odd.chars().take(100).collect();
            let message = format!("{at}: the registry lists `{}`, which is no tag: left out", shown.escape_debug());
            self.transport.watch.on(Event::Warning { message: &message });
        }
        Ok(tags)
    }

    /// All repositories that the registry lists (`/v2/_catalog`, distribution's own). What is listed and is none is left
    /// out: nobody could ask for it.
    ///
    /// # Errors
    /// They cannot be listed, or the list has no end.
    pub(crate) fn repositories(&self, host: &Host) -> Result<Vec<Repository>> {
        #[derive(Deserialize)]
        struct Listed {
            repositories: Option<Vec<String>>,
        }
        let peer = self.transport.peer(host)?;
        let place = ("v2/_catalog", Some(TAGS_A_PAGE));
        let mut pages = Pages::new(&self.transport, peer, Scope::none(), place, "application/json", MOST_PAGES);
        let read = |_: &str, bytes: &[u8]| {
            let page: Listed =
                serde_json::from_slice(bytes).map_err(|e| Error::content(format!("/v2/_catalog: {e}")))?;
            Ok(page.repositories.unwrap_or_default())
        };
        let mut repositories = Vec::new();
        while let Some(page) = pages.next(read)? {
            repositories.extend(page.into_iter().filter_map(|path| Repository::new(host.clone(), &path).ok()));
        }
        Ok(repositories)
    }

    /// Gives each page of tags away; at most so many pages.
    pub(super) fn each_tag_page(&self, at: &Repository, most: usize, mut give: impl FnMut(Vec<String>)) -> Result<()> {
        #[derive(Deserialize)]
        struct Listed {
            tags: Option<Vec<String>>,
        }
        let peer = self.transport.peer(at.host())?;
        let path = format!("v2/{}/tags/list", at.path());
        let place = (path.as_str(), Some(TAGS_A_PAGE));
        let mut pages = Pages::new(&self.transport, peer, Scope::pull(at.path()), place, "application/json", most);
        let read = |_: &str, bytes: &[u8]| {
            let page: Listed = serde_json::from_slice(bytes).map_err(|e| Error::content(format!("/{path}: {e}")))?;
            Ok(page.tags.unwrap_or_default())
        };
        while let Some(page) = pages.next(read)? {
            give(page);
        }
        Ok(())
    }
}
