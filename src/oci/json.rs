//! Refuses documents that two JSON readers could understand differently.
//!
//! A key given twice is the first one to some readers and the last one to others, Go matches keys
//! without regard to case, and serde takes an array for a struct. In a document that names content by
//! digest, each could make two tools see two different images behind one digest.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Invalid;

/// Keys with a meaning in a manifest, index, descriptor, platform or layout file (`docs/format.md`,
/// "What is read as JSON").
const KNOWN: [&str; 22] = [
    "annotations",
    "architecture",
    "artifactType",
    "blobs",
    "config",
    "data",
    "digest",
    "features",
    "fsLayers",
    "imageLayoutVersion",
    "layers",
    "manifests",
    "mediaType",
    "os",
    "os.features",
    "os.version",
    "platform",
    "schemaVersion",
    "size",
    "subject",
    "urls",
    "variant",
];
/// What is said of a document that an editor, or PowerShell, saved in its own way.
const BYTE_ORDER_MARK: &str =
    "it begins with a byte order mark, as PowerShell and some editors write one: it was changed";
/// Deeper than any document of the standards, shallower than any stack. The document itself is 1.
const MAX_DEPTH: u32 = 32;

/// A byte order mark stands in front, of UTF-8 or UTF-16.
pub(crate) fn has_mark(bytes: &[u8]) -> bool {
    [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| bytes.starts_with(mark))
}

/// Reads a whole document: one JSON object, no object in it with a key twice, no known key in
/// another case (outside annotations, whose keys are free), and nothing in the place of an object
/// that is none.
///
/// # Errors
/// The first ambiguity, or what is wrong with its line and column.
pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Invalid> {
    if has_mark(bytes) {
        return Err(Invalid::new(BYTE_ORDER_MARK));
    }
    refuse_ambiguous(bytes)?;
    let Object(read) = serde_json::from_slice(bytes).map_err(|e| Invalid::new(e.to_string()))?;
    Ok(read)
}

/// A struct that is written as an object: serde takes an array of its values too.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Only<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Only<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_map(Only(PhantomData)).map(Self)
    }
}

/// Go writes an empty list or map as `null`: as if the key were not there.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn refuse_ambiguous(bytes: &[u8]) -> Result<(), Invalid> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let check = Check { depth: 0, free_keys: false };
    let result = check.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    result.map_err(|e| Invalid::new(format!("not valid json: {e}")))
}

/// The key that a reader which folds letters takes this one for: simple case folding of Unicode 16,
/// as far as it leads to letters of ASCII.
fn known_as(key: &str) -> Option<&'static str> {
    let folded = |c: char| match c {
        '\u{17f}' => 's',
        c => c.to_ascii_lowercase(),
    };
    let same = |known: &&&str| known.chars().map(folded).eq(key.chars().map(folded));
    KNOWN.iter().find(same).copied()
}

/// A key as it stands in the document, where it stands there without escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// As many keys as are compared one by one before they are hashed.
const FEW: usize = 16;

/// The keys of one object.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    others: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    fn contains(&self, key: &str) -> bool {
        self.few.iter().any(|few| few == key) || self.others.contains(key)
    }

    fn insert(&mut self, key: Cow<'a, str>) {
        if self.few.len() < FEW {
            self.few.push(key);
        } else {
            self.others.insert(key);
        }
    }
}

struct Check {
    /// How many objects and arrays are open.
    depth: u32,
    free_keys: bool,
}

impl Check {
    /// Inside the object or array that begins here.
    fn inside<E: de::Error>(&self) -> Result<u32, E> {
        if self.depth == MAX_DEPTH { Err(E::custom("nested too deeply")) } else { Ok(self.depth + 1) }
    }
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let depth = self.inside()?;
        let mut seen = Keys::default();
        while let Some(Key(key)) = map.next_key()? {
            if !self.free_keys && known_as(&key).is_some_and(|known| known != key) {
                return Err(de::Error::custom(format!("key `{}` in the wrong case", key.escape_debug())));
            }
            map.next_value_seed(Self { depth, free_keys: key == "annotations" })?;
            if seen.contains(&key) {
                return Err(de::Error::custom(format!("key `{}` given twice", key.escape_debug())));
            }
            seen.insert(key);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let depth = self.inside()?;
        while seq.next_element_seed(Self { depth, free_keys: false })?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fine(text: &str) -> bool {
        refuse_ambiguous(text.as_bytes()).is_ok()
    }

    #[test]
    fn a_key_given_twice_or_in_another_case_is_refused() {
        assert!(is_fine(r#"{"manifests":[],"size":1,"annotations":{"Size":"x"}}"#));
        let many = |last: &str| {
            let keys: String = (0..30).map(|n| format!("\"k{n}\":{n},")).collect();
            format!("{{{keys}\"{last}\":0}}")
        };
        assert!(is_fine(&many("k30")));
        for text in [
            r#"{"manifests":[],"manifests":[]}"#,
            r#"{"manifests":[],"Manifests":[]}"#,
            r#"{"config":{"DIGEST":"x"}}"#,
            r#"{"layer\u017f":[]}"#,
            "{\"layer\u{17f}\":[]}",
            "{\"dige\u{17f}t\":[]}",
            r#"{"platform":{"OS.Version":""}}"#,
            r#"{"platform":{"Features":[]}}"#,
            r#"{"annotations":{"a":"1","a":"2"}}"#,
            r#"{"annotations":{"a":"1","\u0061":"2"}}"#,
            &many("k3"),
            &many("k29"),
            r#"{"a":1} x"#,
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e400}"#,
        ] {
            assert!(!is_fine(text), "{text}");
        }
    }

    #[test]
    fn objects_and_arrays_are_nested_as_deep_as_the_format_says() {
        let nested = |deep: usize| "[".repeat(deep) + &"]".repeat(deep);
        assert!(is_fine(&nested(32)));
        assert!(!is_fine(&nested(33)));
    }

    #[test]
    fn what_is_written_as_an_array_is_no_object() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Read {
            size: u64,
        }
        assert_eq!(parse::<Read>(br#"{"size":1}"#), Ok(Read { size: 1 }));
        for text in ["[1]", "1", "null", r#"{"size":"1"}"#, r#"{"size":1.0}"#, r#"{"size":1e0}"#, r#"{"size":-0}"#] {
            assert!(parse::<Read>(text.as_bytes()).is_err(), "{text}");
        }
    }
}
