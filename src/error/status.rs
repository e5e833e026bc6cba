//! What the status of an answer means, and what can be done about it.

use super::kind::Kind;
use super::next_step::NextStep;

/// 408, 429 and 5xx pass; but a 500 whose code or words say that the content itself was refused
/// will be the same the next time (distribution 2.8 answers so to layers with urls).
pub(super) fn kind_of_status(status: u16, code: &str, message: &str) -> Kind {
    let permanent = code.ends_with("_INVALID") || code == "UNSUPPORTED" || message.contains("invalid URL on layer");
    match status {
        408 | 429 | 507 => Kind::Transient,
        // It does not know how, or not over this line: the next time neither.
        501 | 505 | 511 => Kind::Act,
        500..=599 if !permanent => Kind::Transient,
        _ => Kind::Act,
    }
}

pub(super) fn for_status(status: u16, code: &str, message: &str) -> Option<NextStep> {
    if matches!(status, 403 | 412 | 413 | 507) && message.to_ascii_lowercase().contains("quota") {
        return Some(NextStep::RaiseQuota);
    }
    match (status, code) {
        (401, _) => Some(NextStep::CheckCredentials),
        // What a registry says itself has a code.
        (502..=504, "") => Some(NextStep::CheckGateway),
        (403, _) => Some(NextStep::CheckPermission),
        (404, "NAME_UNKNOWN") => Some(NextStep::CreateRepository),
        (404, _) => Some(NextStep::CheckName),
        (413, _) => Some(NextStep::RaiseBodyLimit),
        (415, _) => Some(NextStep::AllowMediaType),
        (429, _) => Some(NextStep::SlowDown),
        _ => None,
    }
}
