//! What went wrong with TLS, in the words of the person who can change it.

use std::io;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::issuer::UnknownAuthority;
use super::plain::SpeaksTls;
use super::verifier::is_ca_as_end_entity;
use super::weak::{ShortKey, old_hash};
use crate::{Error, NextStep};

/// The refusal behind a failed request to `host`, where TLS is what failed and trying again is
/// pointless.
pub(crate) fn explain(error: &ureq::Error, host: &str) -> Option<Error> {
    match error {
        error if SpeaksTls::is(error) => {
            Some(Error::refused(format!("{host} speaks TLS on this port"), NextStep::UseTls))
        }
        ureq::Error::Rustls(error) => explain_handshake(error, host),
        ureq::Error::Io(error) => explain_io(error, host),
        ureq::Error::Tls(reason) => Some(Error::Refused { reason: format!("{host}: TLS: {reason}"), next: None }),
        _ => None,
    }
}

/// The same for the error of a body's reader.
pub(crate) fn explain_io(error: &io::Error, host: &str) -> Option<Error> {
    let inner = error.get_ref()?;
    if let Some(error) = inner.downcast_ref::<ureq::Error>() {
        return explain(error, host);
    }
    // In TLS 1.3 a server refuses our certificate after the handshake; all else is a broken line.
    match inner.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => explain_alert(*alert, host),
        _ => None,
    }
}

fn explain_handshake(error: &rustls::Error, host: &str) -> Option<Error> {
    match error {
        rustls::Error::InvalidCertificate(error) => Some(explain_certificate(error, host)),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(Error::refused(
            format!("{host} does not speak TLS on this port"),
            NextStep::UsePlainHttp { host: host.into() },
        )),
        rustls::Error::AlertReceived(alert) => explain_alert(*alert, host),
        rustls::Error::PeerIncompatible(why) => Some(Error::Refused {
            reason: format!("{host} offers no TLS that is safe to use ({why:?})"),
            next: Some(NextStep::EnableTls),
        }),
        _ => None,
    }
}

fn explain_alert(alert: AlertDescription, host: &str) -> Option<Error> {
    let next = NextStep::GiveClientCertificate { host: host.into() };
    match alert {
        AlertDescription::CertificateRequired => {
            Some(Error::refused(format!("{host} asks for a client certificate"), next))
        }
        AlertDescription::BadCertificate
        | AlertDescription::DecryptError
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => Some(Error::refused(
            format!("{host} did not accept a client certificate, or the lack of one ({alert:?})"),
            next.clone(),
        )),
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity => Some(Error::refused(
            format!("{host} refused the TLS handshake ({alert:?})"),
            NextStep::CurrentTlsOrClientCertificate,
        )),
        AlertDescription::UnrecognisedName => Some(Error::refused(
            format!("{host}: the server there does not answer to this name"),
            NextStep::CheckServerName,
        )),
        _ => None,
    }
}

fn explain_certificate(error: &CertificateError, host: &str) -> Error {
    let clock = NextStep::CheckClock;
    if let Some(short) = ShortKey::of(error) {
        let reason = format!("the certificate of {host} is not safe: {short}, and fewer than 2048 are not taken");
        return Error::refused(reason, NextStep::NewCertificate);
    }
    if let Some(unknown) = UnknownAuthority::of(error) {
        return explain_authority(unknown, host);
    }
    match error {
        CertificateError::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. }
            if old_hash(signature_algorithm_id).is_some() =>
        {
            let hash = old_hash(signature_algorithm_id).unwrap_or_default();
            let reason = format!("the certificate of {host} is not safe: it is signed with {hash}");
            Error::refused(reason, NextStep::NewCertificate)
        }
        CertificateError::BadSignature => Error::refused(
            format!(
                "the certificate of {host} is signed by another key than that of the trusted authority of this name"
            ),
            NextStep::TrustNewAuthority,
        ),
        error if is_ca_as_end_entity(error) => Error::refused(
            format!("the certificate of {host} is signed by an unknown authority: it is a CA certificate itself"),
            NextStep::TrustCertificate,
        ),
        CertificateError::Expired => Error::refused(format!("the certificate of {host} has expired"), clock),
        CertificateError::ExpiredContext { time, not_after } => Error::refused(
            format!("the certificate of {host} expired on {} (today is {})", day(*not_after), day(*time)),
            clock,
        ),
        CertificateError::NotValidYet => Error::refused(format!("the certificate of {host} is not valid yet"), clock),
        CertificateError::NotValidYetContext { time, not_before } => Error::refused(
            format!("the certificate of {host} is not valid before {} (today is {})", day(*not_before), day(*time)),
            clock,
        ),
        CertificateError::NotValidForNameContext { expected, presented } => wrong_name(expected, presented, host),
        other => Error::refused(
            format!("the certificate of {host} is not acceptable: {}", describe(other)),
            NextStep::NewCertificate,
        ),
    }
}

fn explain_authority(unknown: &UnknownAuthority, host: &str) -> Error {
    let reason = match (&unknown.name, unknown.is_server) {
        (Some(name), true) => format!("the certificate of {host} names itself, `{name}`, as its authority"),
        (None, true) => format!("the certificate of {host} names itself as its authority"),
        (Some(name), false) => format!("the certificate of {host} is signed by an unknown authority: `{name}`"),
        (None, false) => format!("the certificate of {host} is signed by an unknown authority"),
    };
    Error::refused(reason, NextStep::TrustAuthority { host: host.into() })
}

fn wrong_name(expected: &ServerName<'_>, presented: &[String], host: &str) -> Error {
    // webpki writes `DnsName("a.example")` and `IpAddress(192.0.2.1)`.
    let is_address = |name: &&String| name.starts_with("IpAddress");
    let names: Vec<_> = presented.iter().map(|name| plain(name)).collect();
    let has = if names.is_empty() {
        "it has no subject alternative name, and a common name does not count".to_owned()
    } else {
        format!("it is for {}", names.join(", "))
    };
    if matches!(expected, ServerName::IpAddress(_)) && !presented.iter().any(|name| is_address(&name)) {
        return Error::refused(
            format!("the certificate of {host} has no IP address entry: {has}"),
            NextStep::NewCertificateWithAddress,
        );
    }
    Error::refused(format!("the certificate of {host} is for another name: {has}"), NextStep::NewCertificateWithName)
}

/// The name within webpki's description of it.
fn plain(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"').escape_debug().to_string()
}

fn describe(error: &CertificateError) -> String {
    error.to_string().chars().flat_map(char::escape_debug).collect()
}

fn day(time: UnixTime) -> String {
    let second = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_second(second) {
        Ok(timestamp) => timestamp.strftime("%Y-%m-%d").to_string(),
        Err(_) => "a day beyond the calendar".into(),
    }
}
