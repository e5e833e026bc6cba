//! What a person sees who opens the address in a browser: the page of `list`, with the names to pull by.

use std::collections::HashMap;

use super::stock::Stock;
use crate::oci::Digest;
use crate::verbs::list::ListedImage;
use crate::verbs::page::Page;

/// The page for somebody who asked this host.
pub(super) fn html(stock: &Stock, host: Option<&str>) -> String {
    let page = Page::new(&stock.lists).unlisted(&stock.unlisted);
    let Some(host) = host.filter(|host| is_address(host)) else { return page.html() };
    let mut called: HashMap<(&Digest, Option<String>), String> = HashMap::new();
    for (name, digest, paths) in stock.catalogue.images() {
        if let (Some(path), Some(tag)) = (paths.first(), &name.tag) {
            let here = format!("{host}/{path}:{tag}");
            // What has no name of its own has the one that it was given.
            called.entry((digest, None)).or_insert_with(|| here.clone());
            called.insert((digest, Some(name.name())), here);
        }
    }
    let name_of = |image: &ListedImage| called.get(&(&image.digest, image.name.clone())).cloned();
    page.served(host, name_of).html()
}

/// Whether this is a host and perhaps a port: what is asked for is anybody's text.
fn is_address(host: &str) -> bool {
    !host.is_empty() && host.len() < 256 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
}
