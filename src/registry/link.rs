//! `Link`: where a list goes on (RFC 8288 §3; distribution-spec v1.1 "Listing Tags", "Listing
//! Referrers").

use crate::oci::Invalid;

/// The target of the first link to a next page in the value of a `Link` header, as it stands there.
///
/// # Errors
/// When the value is no list of links: a list that ends in the middle would look complete.
pub(crate) fn next_link(header: &str) -> Result<Option<&str>, Invalid> {
    let bad = |why: &str| Invalid::new(format!("Link `{}`: {why}", header.escape_debug()));
    let mut rest = header.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let inside = rest.strip_prefix('<').ok_or_else(|| bad("a link starts with `<`"))?;
        let (target, after) = inside.split_once('>').ok_or_else(|| bad("no `>` after the address"))?;
        let (relation, after) = relation(after).ok_or_else(|| bad("not a parameter"))?;
        let is_next = |relation: &str| relation.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"));
        if relation.is_some_and(is_next) {
            return Ok(Some(target));
        }
        rest = after;
    }
    Ok(None)
}

/// The first `rel` among the parameters of one link, and what follows the link. `None` where they
/// are no parameters.
fn relation(mut rest: &str) -> Option<(Option<&str>, &str)> {
    let mut found = None;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(parameter) = rest.strip_prefix(';') else { break };
        let parameter = parameter.trim_start_matches([' ', '\t']);
        let name = &parameter[..parameter.find(['=', ';', ',', ' ', '\t', '"', '<']).unwrap_or(parameter.len())];
        rest = parameter[name.len()..].trim_start_matches([' ', '\t']);
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = read_value(after.trim_start_matches([' ', '\t']))?;
        }
        if found.is_none() && name.eq_ignore_ascii_case("rel") {
            found = Some(value);
        }
    }
    match rest.strip_prefix(',') {
        Some(more) => Some((found, more.trim_start_matches([' ', '\t', ',']))),
        None => rest.is_empty().then_some((found, rest)),
    }
}

/// A token or a quoted text, and what follows it. Escapes within quotes stay: no relation has any.
fn read_value(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        return Some(text.split_at(end));
    };
    let mut escaped = false;
    for (at, byte) in quoted.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return Some((&quoted[..at], &quoted[at + 1..])),
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_the_next_page_is_found_however_it_is_written() {
        let next = |header| next_link(header).expect("a header of links");
        for header in [
            "</v2/a?n=1>; rel=\"next\"",
            "</v2/a?n=1>;rel=next",
            "</v2/a?n=1> ; title=\"a, b; <c>\" ; REL = \"NEXT\"",
            "</v2/a?n=1>; rel=\"last next\"; rel=prev",
            "<https://h/other>; rel=prev, </v2/a?n=1>; rel=\"next\"",
            ", </first>; title=\"say \\\"next\\\"\"; rel=prev,, </v2/a?n=1>; crossorigin; rel=next,",
        ] {
            assert_eq!(next(header), Some("/v2/a?n=1"), "{header}");
        }
        assert_eq!(next("<>; rel=next"), Some(""));
        assert_eq!(next("<?a=1,2;3>; rel=next"), Some("?a=1,2;3"));
        for none in ["", "  ", "</a>", "</a>; rel=prev", "</a>; rel", "</a>; rel=prev; rel=next", "</a>; title=next"] {
            assert_eq!(next(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_no_list_of_links_is_refused() {
        for header in ["/v2/a; rel=next", "</v2/a", "</v2/a>; rel=\"next", "</a>; rel=prev </b>; rel=next", "</a> x"] {
            assert!(next_link(header).is_err(), "{header}");
        }
    }
}
