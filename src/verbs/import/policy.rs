//! What a site does not want: images from elsewhere, and anything on trust.

use crate::error::{Error, NextStep, Result};
use crate::plan::SourcePrefix;
use crate::registry::{PlainHttp, RegistryOptions};
use crate::transfer::Image;

/// As many images as one message names.
const MOST_NAMED: usize = 20;

/// That all images come from where they may; from anywhere, if no source is named.
///
/// # Errors
/// Those that do not.
pub(super) fn check_sources(images: &[Image], allowed: &[SourcePrefix]) -> Result<()> {
    let is_allowed = |image: &&Image| allowed.iter().any(|prefix| prefix.covers(&image.name.repository));
    let others: Vec<String> = images.iter().filter(|image| !is_allowed(image)).map(|image| image.name.name()).collect();
    if allowed.is_empty() || others.is_empty() {
        return Ok(());
    }
    let named = others[..others.len().min(MOST_NAMED)].join(", ");
    let more = match others.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let from = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Error::refused(format!("not from an allowed source ({from}): {named}{more}"), NextStep::AllowSource))
}

/// That something is pinned, or has to be signed; no registry is spoken to in clear that nobody named, and no file with credentials is
/// taken that others can change.
///
/// # Errors
/// What the command line lacks, or has too much.
pub(super) fn be_strict(is_on_trust: bool, registry: &mut RegistryOptions) -> Result<()> {
    if is_on_trust {
        let message = "strict: nothing is imported that is neither pinned nor signed with a required key".into();
        return Err(Error::Usage { message, next: Some(NextStep::Pin) });
    }
    registry.strict_credential_files = true;
    registry.plain_http = match std::mem::take(&mut registry.plain_http) {
        PlainHttp::None => PlainHttp::Only(Vec::new()),
        PlainHttp::Hosts(hosts) | PlainHttp::Only(hosts) => PlainHttp::Only(hosts),
        PlainHttp::All => {
            let message = "strict: no registry is spoken to without TLS unless it is named".into();
            return Err(Error::Usage { message, next: Some(NextStep::NamePlainHttpHost) });
        }
    };
    Ok(())
}
