//! Undoes codings that nobody asked for (RFC 9110 §8.4): some servers compress although `identity` is all
//! that a request accepts. What comes out is judged by its digest like anything else.

use std::io::{self, Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

/// How what is coded begins.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// More codings, one in the other, than anybody uses.
const MOST_CODINGS: usize = 4;

/// The content behind the codings in a `Content-Encoding`, of which `most` bytes and one are read.
///
/// # Errors
/// A coding that is not known, or content that is not coded as stated.
pub(crate) fn decoded(mut bytes: Vec<u8>, codings: &str, most: u64) -> io::Result<Vec<u8>> {
    let mut codings: Vec<&str> = codings.split(',').map(str::trim).filter(|coding| !coding.is_empty()).collect();
    if codings.len() > MOST_CODINGS {
        return Err(io::Error::other("more codings than anybody uses"));
    }
    // The last one was applied last.
    while let Some(coding) = codings.pop() {
        let is = |names: &[&str]| names.iter().any(|name| coding.eq_ignore_ascii_case(name));
        // What does not begin as it is said to was not coded after all.
        bytes = if is(&["gzip", "x-gzip"]) && bytes.starts_with(GZIP) {
            limited(MultiGzDecoder::new(&*bytes), most)?
        } else if is(&["zstd"]) && bytes.starts_with(ZSTD) {
            limited(StreamingDecoder::new(&*bytes).map_err(io::Error::other)?, most)?
        } else if is(&["deflate"]) && bytes.first() == Some(&0x78) {
            limited(ZlibDecoder::new(&*bytes), most)?
        } else if is(&["identity", "gzip", "x-gzip", "zstd", "deflate"]) {
            bytes
        } else {
            return Err(io::Error::other("a coding that was not asked for"));
        };
    }
    Ok(bytes)
}

fn limited(reader: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = GzEncoder::new(Vec::new(), Compression::default());
        writer.write_all(bytes).and_then(|()| writer.finish()).expect("memory")
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut writer = ZlibEncoder::new(Vec::new(), Compression::default());
        writer.write_all(bytes).and_then(|()| writer.finish()).expect("memory")
    }

    #[test]
    fn codings_are_undone_from_the_last_to_the_first() {
        let plain = b"{\"schemaVersion\":2}".to_vec();
        let cases = [
            ("", plain.clone()),
            ("identity", plain.clone()),
            ("gzip", gzip(&plain)),
            ("GZip", gzip(&plain)),
            ("x-gzip", gzip(&plain)),
            ("deflate", deflate(&plain)),
            ("deflate, gzip", gzip(&deflate(&plain))),
            ("gzip", plain.clone()),
        ];
        for (codings, bytes) in cases {
            assert_eq!(decoded(bytes, codings, 100).expect(codings), plain, "{codings}");
        }
        assert!(decoded(plain.clone(), "br", 100).is_err());
        assert!(decoded(gzip(&plain)[..12].to_vec(), "gzip", 100).is_err(), "cut off");
        assert!(decoded(plain, "gzip,gzip,gzip,gzip,gzip", 100).is_err());
    }

    #[test]
    fn no_more_is_unpacked_than_may_come() {
        assert_eq!(decoded(gzip(&vec![0; 1 << 20]), "gzip", 1000).expect("the start").len(), 1001);
    }
}
