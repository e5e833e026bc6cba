//! Lists as texts: what they are coded in, what has to be filled in first, and how they are quoted.

/// Of a text that makes no sense so much is shown, in characters.
const MOST_SHOWN: usize = 200;

/// What is no text, and how to get one of it.
fn packed(bytes: &[u8]) -> Option<&'static str> {
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    match bytes {
        [0x1f, 0x8b, ..] => Some(
            "compressed: `gunzip -c FILE | bundle export -f - …`; a packed chart: `helm template FILE | bundle export -f - …`",
        ),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("compressed: `zstd -dc FILE | bundle export -f - …`"),
        _ if is_tar => Some("a tar, and no list of images"),
        [b'<', ..] => Some("HTML or XML, and no list of images"),
        _ => None,
    }
}

/// UTF-8, with or without a byte order mark; UTF-16 as PowerShell writes it.
pub(super) fn text_of(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| "not a text in UTF-16".to_owned())
    };
    if let Some(how) = packed(bytes) {
        return Err(how.into());
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes).map_err(|e| {
                let line = 1 + bytes[..e.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
                format!("not a text: byte {} (line {line}) is not UTF-8", e.valid_up_to())
            })?;
            // Files that were put together bring their own along.
            let text = text.replace("\n\u{feff}", "\n");
            if text.contains('\0') { Err("not a text: it has NUL bytes".into()) } else { Ok(text) }
        }
    }
}

/// A text as it is shown: without what may be a password, and not for ever.
pub(super) fn shown(text: &str) -> String {
    let masked = |word: &str| match word.rsplit_once('@') {
        Some((_, name)) if has_user(word) => format!("***@{name}"),
        _ => word.to_owned(),
    };
    // Whoever put a password into it may have put it anywhere.
    let text = text.split(' ').map(masked).collect::<Vec<_>>().join(" ");
    let mut start: String = text.chars().take(MOST_SHOWN).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start.escape_debug().to_string()
}

/// Whether a name begins with somebody's, as in `user:password@host`.
pub(super) fn has_user(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let before_path = rest.split('/').next().unwrap_or_default();
    before_path.split_once('@').is_some_and(|(_, host)| !host.starts_with("sha"))
}

/// How to render what still has holes in it.
pub(super) fn rendering(text: &str) -> Option<&'static str> {
    if text.contains("{{") {
        Some("is a template: render it first (`helm template CHART | bundle export -f - …`)")
    } else if text.contains("${") || text.contains("$(") || text.contains("###") {
        Some("has a variable: fill it in first (`docker compose config --images | bundle export -f - …`, or envsubst)")
    } else {
        None
    }
}
