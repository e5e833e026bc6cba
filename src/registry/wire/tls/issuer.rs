//! Who signed a certificate that nobody here trusts: an operator has to find the certificate of that authority, and
//! finds it by its name.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{CertificateError, OtherError};

use super::der::{any, inside, next};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const INTEGER: u8 = 0x02;
/// `[0] EXPLICIT Version` (RFC 5280 §4.1).
const VERSION: u8 = 0xa0;
/// What of a name is said, in this order (RFC 5280 appendix A.1): the common name, the unit, the organisation.
const SAID: [&[u8]; 3] = [&[0x55, 0x04, 0x03], &[0x55, 0x04, 0x0b], &[0x55, 0x04, 0x0a]];
/// Longer names are cut, in characters.
const LONGEST: usize = 80;
/// Certificates that are followed upwards.
const STEPS: usize = 16;

/// An authority that is not known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signed by an unknown authority")]
pub(super) struct UnknownAuthority {
    /// Its name, where it has one that can be read.
    pub(super) name: Option<String>,
    /// The certificate of the server has its own name there.
    pub(super) is_server: bool,
}

impl UnknownAuthority {
    /// The one behind an error that [`with_the_issuer`] made.
    pub(super) fn of(error: &CertificateError) -> Option<&Self> {
        match error {
            CertificateError::Other(other) => other.0.downcast_ref(),
            _ => None,
        }
    }
}

/// An unknown issuer, with its name: that of the last certificate which the server sent on the way up.
pub(super) fn with_the_issuer(
    error: rustls::Error,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> rustls::Error {
    if error != rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) {
        return error;
    }
    let own = names(end_entity);
    let mut top = own;
    for _ in 0..STEPS {
        let Some((issuer, subject)) = top.filter(|(issuer, subject)| issuer != subject) else { break };
        let above = intermediates.iter().filter_map(names).find(|(_, above)| *above == issuer && *above != subject);
        let Some(above) = above else { break };
        top = Some(above);
    }
    let unknown = UnknownAuthority {
        name: top.and_then(|(issuer, _)| readable(issuer)),
        is_server: own.is_some_and(|(issuer, subject)| issuer == subject),
    };
    CertificateError::Other(OtherError(Arc::new(unknown))).into()
}

/// The names of issuer and subject, as they are coded (RFC 5280 §4.1).
fn names<'a>(certificate: &'a CertificateDer<'_>) -> Option<(&'a [u8], &'a [u8])> {
    let signed = inside(inside(certificate, SEQUENCE)?, SEQUENCE)?;
    let rest = next(signed, VERSION).map_or(signed, |(_, rest)| rest);
    let (_, rest) = next(rest, INTEGER)?;
    let (_, rest) = next(rest, SEQUENCE)?;
    let (issuer, rest) = next(rest, SEQUENCE)?;
    let (_, rest) = next(rest, SEQUENCE)?;
    let (subject, _) = next(rest, SEQUENCE)?;
    Some((issuer, subject))
}

/// What a person knows an authority by.
fn readable(name: &[u8]) -> Option<String> {
    let parts: Vec<String> = SAID.iter().filter_map(|identifier| attribute(name, identifier)).collect();
    let text = parts.join(", ");
    let cut: String = text.chars().take(LONGEST).collect();
    (!cut.is_empty()).then(|| if cut == text { cut } else { cut + "…" })
}

/// The first value of this type in a name (RFC 5280 §4.1.2.4).
fn attribute(name: &[u8], identifier: &[u8]) -> Option<String> {
    let mut rest = name;
    while let Some((set, after)) = next(rest, SET) {
        rest = after;
        let mut inner = set;
        while let Some((pair, after)) = next(inner, SEQUENCE) {
            inner = after;
            if let Some((_, value)) = next(pair, OBJECT_IDENTIFIER).filter(|(found, _)| *found == identifier) {
                return text(value).filter(|text| !text.trim().is_empty());
            }
        }
    }
    None
}

/// A string of one of the kinds that names are made of.
fn text(value: &[u8]) -> Option<String> {
    const UTF8_STRING: u8 = 0x0c;
    const BMP_STRING: u8 = 0x1e;
    /// PrintableString, TeletexString, IA5String.
    const OF_BYTES: [u8; 3] = [0x13, 0x14, 0x16];
    let (tag, content, _) = any(value)?;
    let text = match tag {
        UTF8_STRING => String::from_utf8_lossy(content).into_owned(),
        BMP_STRING => {
            let units = content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        tag if OF_BYTES.contains(&tag) => content.iter().map(|byte| char::from(*byte)).collect(),
        _ => return None,
    };
    Some(text.chars().flat_map(|c| if c == '\'' || c == '"' { vec![c] } else { c.escape_debug().collect() }).collect())
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyPair};

    use super::*;

    fn params(parts: &[(DnType, DnValue)]) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        parts.iter().for_each(|(kind, value)| params.distinguished_name.push(kind.clone(), value.clone()));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    fn utf8(text: &str) -> DnValue {
        DnValue::Utf8String(text.into())
    }

    fn told(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> UnknownAuthority {
        let error = with_the_issuer(CertificateError::UnknownIssuer.into(), end_entity, intermediates);
        let rustls::Error::InvalidCertificate(error) = error else { panic!("{error}") };
        UnknownAuthority::of(&error).expect("an unknown authority").clone()
    }

    /// What a certificate is told by, which an authority of this name signed.
    fn named(parts: &[(DnType, DnValue)]) -> Option<String> {
        let (key, own) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
        let issuer = Issuer::new(params(parts), key);
        let server = params(&[(DnType::CommonName, utf8("server"))]).signed_by(&own, &issuer).expect("a certificate");
        let told = told(server.der(), &[]);
        assert!(!told.is_server);
        told.name
    }

    #[test]
    fn an_authority_is_named_by_its_common_name_its_unit_and_its_organisation() {
        let (common, unit) = (DnType::CommonName, DnType::OrganizationalUnitName);
        let organisation = DnType::OrganizationName;
        let full = [(organisation.clone(), utf8("Örg")), (unit, utf8("IT")), (common.clone(), utf8("Root CA 1"))];
        assert_eq!(named(&full).as_deref(), Some("Root CA 1, IT, Örg"));
        assert_eq!(named(&[(organisation, utf8("Only"))]).as_deref(), Some("Only"));
        assert_eq!(named(&[(DnType::CountryName, utf8("DE"))]), None);
        assert_eq!(named(&[]), None);
        let wide = DnValue::BmpString("Wurzel ü".try_into().expect("a string"));
        assert_eq!(named(&[(common.clone(), wide)]).as_deref(), Some("Wurzel ü"));
        let old = DnValue::TeletexString("Old".try_into().expect("a string"));
        assert_eq!(named(&[(common.clone(), old)]).as_deref(), Some("Old"));
        let hostile = utf8("a\u{1b}[2J\nb");
        assert_eq!(named(&[(common.clone(), hostile)]).as_deref(), Some("a\\u{1b}[2J\\nb"));
        let long = named(&[(common, utf8(&"x".repeat(500)))]).expect("a name");
        assert_eq!(long.chars().count(), LONGEST + 1);
    }

    #[test]
    fn where_the_server_sends_certificates_on_the_way_up_the_one_that_is_missing_is_named() {
        let [root_key, between_key, own] = [(); 3].map(|()| KeyPair::generate().expect("a key"));
        let name = |text| params(&[(DnType::CommonName, utf8(text))]);
        let root_certificate = name("the root").self_signed(&root_key).expect("a certificate");
        let root = Issuer::new(name("the root"), root_key);
        let between_certificate = name("between").signed_by(&between_key, &root).expect("a certificate");
        let between = Issuer::new(name("between"), between_key);
        let server = name("server").signed_by(&own, &between).expect("a certificate");
        let said = |above: &[CertificateDer<'_>]| told(server.der(), above).name.expect("a name");
        assert_eq!(said(&[]), "between");
        assert_eq!(said(&[between_certificate.der().clone()]), "the root");
        assert_eq!(said(&[root_certificate.der().clone(), between_certificate.der().clone()]), "the root");
        let alone = told(root_certificate.der(), &[]);
        assert!(alone.is_server && alone.name.as_deref() == Some("the root"));
    }

    #[test]
    fn what_is_no_certificate_has_no_name_and_other_errors_stay() {
        for length in 0..40 {
            let nonsense = CertificateDer::from(vec![0x30; length]);
            assert_eq!(told(&nonsense, &[]), UnknownAuthority { name: None, is_server: false });
        }
        let other = rustls::Error::from(CertificateError::Revoked);
        assert_eq!(with_the_issuer(other.clone(), &CertificateDer::from(vec![]), &[]), other);
    }
}
