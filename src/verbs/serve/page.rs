//! What a person sees who opens the address in a browser: the images, and how they are pulled.

use std::fmt::Write as _;

use super::stock::Stock;

/// The page.
pub(super) fn html(stock: &Stock) -> String {
    let mut rows = String::new();
    for (name, digest, paths) in stock.catalogue.images() {
        let end = match &name.tag {
            Some(tag) => format!(":{tag}"),
            None => format!("@{digest}"),
        };
        let served: Vec<String> =
            paths.iter().map(|path| format!("<code>{}</code>", safe(&format!("{path}{end}")))).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{}</td><td><code>{digest}</code></td></tr>",
            safe(&name.name()),
            served.join("<br>")
        );
    }
    let bundles: Vec<String> = stock
        .bundles
        .iter()
        .map(|bundle| {
            format!("<li>{} <code>{}</code></li>", safe(&bundle.path().display().to_string()), bundle.index().digest)
        })
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Images</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>:root{{color-scheme:light dark}}\
         body{{font:1rem/1.5 sans-serif;margin:2rem}}td,th{{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}}\
         code{{overflow-wrap:anywhere}}</style></head><body><h1>Images</h1>\
         <table><thead><tr><th>Image</th><th>Here</th><th>Digest</th></tr></thead><tbody>\n{rows}</tbody></table>\
         <h2>From</h2><ul>{}</ul></body></html>\n",
        bundles.concat()
    )
}

/// Text in a page.
fn safe(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
