//! What is counted, in the text form that Prometheus reads (exposition format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The counters of a server.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// By endpoint, method and status.
    requests: Mutex<BTreeMap<(&'static str, &'static str, u16), u64>>,
    sent: AtomicU64,
    hashed: AtomicU64,
    bad_content: AtomicU64,
    connections: AtomicU64,
    refused: AtomicU64,
    reloads: AtomicU64,
    failed_reloads: AtomicU64,
}

impl Metrics {
    /// A request was answered, with so many bytes of body.
    pub(super) fn answered(&self, endpoint: &'static str, method: &'static str, status: u16, bytes: u64) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((endpoint, method, status)).or_default() += 1;
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes of content were hashed.
    pub(super) fn hashed(&self, bytes: u64) {
        self.hashed.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Some content is not what its digest names.
    pub(super) fn bad_content(&self) {
        self.bad_content.fetch_add(1, Ordering::Relaxed);
    }

    /// A client connected.
    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// A client is gone.
    pub(super) fn gone(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// A connection was ended, since the client was too slow or did not speak TLS.
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The bundles were opened anew, or could not be.
    pub(super) fn reloaded(&self, worked: bool) {
        if worked { &self.reloads } else { &self.failed_reloads }.fetch_add(1, Ordering::Relaxed);
    }

    /// All of them, and how many images are served.
    pub(super) fn text(&self, images: usize) -> String {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, u64)]| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# HELP bundle_serve_{name} {help}\n# TYPE bundle_serve_{name} {kind}");
            for (labels, value) in lines {
                let _ = writeln!(text, "bundle_serve_{name}{labels} {value}");
            }
        };
        let requests: Vec<(String, u64)> = {
            let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            let labels = |(endpoint, method, status): &(&str, &str, u16)| {
                format!("{{endpoint=\"{endpoint}\",method=\"{method}\",status=\"{status}\"}}")
            };
            requests.iter().map(|(key, count)| (labels(key), *count)).collect()
        };
        family("requests_total", "counter", "Requests that were answered.", &requests);
        let one = |value: u64| [(String::new(), value)];
        family("sent_bytes_total", "counter", "Bytes of answers without their heads.", &one(read(&self.sent)));
        family("hashed_bytes_total", "counter", "Bytes of content that were hashed.", &one(read(&self.hashed)));
        let help = "Content that was found to be damaged.";
        family("bad_content_total", "counter", help, &one(read(&self.bad_content)));
        family("connections", "gauge", "Connections that are open.", &one(read(&self.connections)));
        let help = "Connections that were ended: too slow, or no TLS.";
        family("refused_connections_total", "counter", help, &one(read(&self.refused)));
        let results = [
            ("{result=\"done\"}".to_owned(), read(&self.reloads)),
            ("{result=\"failed\"}".to_owned(), read(&self.failed_reloads)),
        ];
        family("reloads_total", "counter", "Times that the bundles were opened anew.", &results);
        family("images", "gauge", "Images that are served.", &one(images as u64));
        text
    }
}
