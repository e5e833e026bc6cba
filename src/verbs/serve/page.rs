//! What a person sees who opens the address in a browser: the page of `list`, with the names to pull by.

use std::collections::HashMap;

use super::stock::Stock;
use crate::oci::Digest;
use crate::verbs::list::ListedImage;
use crate::verbs::page::Page;

/// The page for somebody who asked this host.
pub(super) fn html(stock: &Stock, host: Option<&str>) -> String {
    let page = Page::new(&stock.lists);
    let Some(host) = host.filter(|host| is_address(host)) else { return page.html() };
    let mut called: HashMap<(&Digest, String), String> = HashMap::new();
    for (name, digest, paths) in stock.catalogue.images() {
        if let (Some(path), Some(tag)) = (paths.first(), &name.tag) {
            called.insert((digest, name.name()), format!("{host}/{path}:{tag}"));
        }
    }
    let name_of = |image: &ListedImage| called.get(&(&image.digest, image.name.clone()?)).cloned();
    page.served(host, name_of).html()
}

/// Whether this is a host and perhaps a port: what is asked for is anybody's text.
fn is_address(host: &str) -> bool {
    !host.is_empty() && host.len() < 256 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b))
}
