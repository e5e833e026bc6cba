//! `bundle serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use oci_bundle::import::Mapping;
use oci_bundle::serve::{Serve, ServedImage, Serving, Tls};
use oci_bundle::{Error, NextStep};

use super::errors::{Ended, Failure};
use super::help::FINE;
use super::import::called;
use super::input_args::InputArgs;
use super::progress::Progress;
use super::report;
use super::served::Logging;
use super::text::count;

/// Serve a bundle as a read-only registry, straight from the file
#[derive(Args)]
#[command(
    override_usage = "bundle serve [OPTIONS] BUNDLE...",
    after_help = "Example:\n  bundle serve images.tar\n\nquay.io/org/app:1.4 is then 127.0.0.1:5000/quay.io/org/app:1.4, \
and org/app for nodes that ask a mirror for quay.io. SIGHUP reads bundles and certificate anew; / is a page for people."
)]
pub(crate) struct ServeArgs {
    /// Where to listen; anyone who reaches it can pull everything
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5000", env = "BUNDLE_LISTEN")]
    listen: SocketAddr,
    /// Serve under the names that an import into this namespace gives; '' for none
    #[arg(long, value_name = "NS", env = "BUNDLE_NAMESPACE")]
    namespace: Option<String>,
    /// Repositories below FROM (host/path) become TO, as an import has it (repeatable)
    #[arg(long, value_name = "FROM=TO", env = "BUNDLE_MAP", value_delimiter = ',')]
    map: Vec<Mapping>,
    /// With --namespace or --map, serve under the names of the sources too
    #[arg(long, env = "BUNDLE_SOURCE_NAMES")]
    source_names: bool,
    /// The name for an image that has only a tag, or no name, in a file of another tool
    #[arg(long, value_name = "REPO[:TAG]", env = "BUNDLE_NAME")]
    name: Option<String>,
    /// Speak TLS with this certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "BUNDLE_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "BUNDLE_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Speak TLS with a certificate that an authority in DIR signs; it is made there the first time
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, conflicts_with_all = ["tls_cert", "tls_key"], env = "BUNDLE_SELF_SIGNED")]
    self_signed: Option<Option<PathBuf>>,
    /// A name or address that --self-signed is to be good for (repeatable)
    #[arg(long, value_name = "NAME", env = "BUNDLE_TLS_NAME", value_delimiter = ',')]
    tls_name: Vec<String>,
    /// A line for each request goes to this file, and not to standard error
    #[arg(long, value_name = "FILE", env = "BUNDLE_ACCESS_LOG")]
    access_log: Option<PathBuf>,
    /// Connections at a time
    #[arg(long, help_heading = FINE, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=1_000_000), env = "BUNDLE_MAX_CONNECTIONS")]
    max_connections: u32,
    /// Seconds for the head of a request, and between two requests
    #[arg(long, help_heading = FINE, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600), env = "BUNDLE_HEADER_TIMEOUT")]
    header_timeout: u64,
    /// Seconds in which a client has to take 64 KiB of an answer
    #[arg(long, help_heading = FINE, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400), env = "BUNDLE_IDLE_TIMEOUT")]
    idle_timeout: u64,
    #[command(flatten)]
    input: InputArgs,
}

impl ServeArgs {
    pub(crate) fn run(self, progress: &Arc<Progress>) -> Result<(), Failure> {
        self.input.check(progress)?;
        let InputArgs { bundles, expect, keys, tmpdir, max_spool, max_manifests } = self.input;
        let mut serve = Serve::new(bundles, self.listen)
            .expect(expect)
            .required_keys(keys.required()?)
            .tmpdir(tmpdir)
            .max_manifests(max_manifests)
            .max_spool(max_spool)
            .name(self.name.as_deref().map(called).transpose()?)
            .max_connections(usize::try_from(self.max_connections).unwrap_or(usize::MAX))
            .header_timeout(Duration::from_secs(self.header_timeout))
            .idle_timeout(Duration::from_secs(self.idle_timeout));
        if self.namespace.is_some() || !self.map.is_empty() {
            // Where only some are mapped, the others are where an import puts them.
            let namespace = self.namespace.unwrap_or_else(|| "library".into());
            serve = serve.import_names(namespace, self.map).source_names(self.source_names);
        }
        let tls = match (self.tls_cert, self.tls_key, self.self_signed) {
            (Some(cert), Some(key), _) => Tls::Files { cert, key },
            (_, _, Some(directory)) => Tls::SelfSigned { directory: authority_in(directory)?, names: self.tls_name },
            _ => Tls::Off,
        };
        let logging = Arc::new(Logging::new(progress.clone(), self.access_log)?);
        serve.tls(tls).run(logging, |serving| tell(serving, progress))?;
        progress.note("stopped", "every answer that was under way was given, or its time was up");
        Ok(())
    }
}

fn tell(serving: &Serving, progress: &Progress) {
    if progress.talk().json {
        report::json(Some(serving), None::<Ended>);
        return;
    }
    for ServedImage { name, repositories, .. } in &serving.images {
        progress.say(
            "image",
            &format!(
                "{name}  in {}",
                if repositories.is_empty() { "?ns= alone".into() } else { repositories.join(", ") }
            ),
        );
    }
    if let Some(ca) = &serving.ca {
        progress.answer("ca", &format!("{}  clients have to trust this certificate", ca.display()));
    }
    progress.answer("serving", &format!("{}  {}", serving.url, count(serving.images.len() as u64, "image")));
}

/// Where the authority lies, if nobody says: with what the user's programs keep.
fn authority_in(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(given) = given {
        return Ok(given);
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // systemd gives the first to services, and it may be a list.
    let of_service = set("STATE_DIRECTORY").and_then(|list| std::env::split_paths(&list).next());
    let own = || set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
    let place = of_service.map(|place| place.join("serve")).or_else(|| Some(own()?.join("bundle/serve")));
    place.ok_or_else(|| {
        let message = "--self-signed: no place to keep the authority: neither XDG_STATE_HOME nor HOME is set";
        Failure::from(Error::Usage { message: message.into(), next: Some(NextStep::NameAuthorityDirectory) })
    })
}
