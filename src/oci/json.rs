//! Refuses documents that two JSON readers could understand differently.
//!
//! A key given twice is the first one to some readers and the last one to others, and Go matches
//! keys without regard to case. In a document that names content by digest, either could make two
//! tools see two different images behind one digest.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Invalid;

/// Keys with a meaning in a manifest, index, descriptor, platform or layout file.
const KNOWN: [&str; 19] = [
    "annotations",
    "architecture",
    "artifactType",
    "blobs",
    "config",
    "data",
    "digest",
    "fsLayers",
    "imageLayoutVersion",
    "layers",
    "manifests",
    "mediaType",
    "os",
    "platform",
    "schemaVersion",
    "size",
    "subject",
    "urls",
    "variant",
];
/// Deeper than any document of the standards, shallower than any stack.
const MAX_DEPTH: u32 = 32;

/// Checks a whole JSON document: one value, no object with a key twice, no known key in another
/// case (outside annotations, whose keys are free).
///
/// # Errors
/// The first ambiguity, or the syntax error with its line and column.
pub fn refuse_ambiguous_keys(bytes: &[u8]) -> Result<(), Invalid> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let check = Check { depth: 0, free_keys: false };
    let result = check.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    result.map_err(|e| Invalid::new(format!("not valid json: {e}")))
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
    depth: u32,
    free_keys: bool,
}

impl Check {
    fn below<E: de::Error>(&self, free_keys: bool) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("nested too deeply"));
        }
        Ok(Self { depth: self.depth + 1, free_keys })
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
        let mut seen = Keys::default();
        while let Some(Key(key)) = map.next_key()? {
            if !self.free_keys && KNOWN.iter().any(|k| k.eq_ignore_ascii_case(&key) && *k != key) {
                return Err(de::Error::custom(format!("key `{}` in the wrong case", key.escape_debug())));
            }
            map.next_value_seed(self.below(key == "annotations")?)?;
            if seen.contains(&key) {
                return Err(de::Error::custom(format!("key `{}` given twice", key.escape_debug())));
            }
            seen.insert(key);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self.below(false)?)?.is_some() {}
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

    #[test]
    fn a_key_given_twice_or_in_another_case_is_refused() {
        assert!(refuse_ambiguous_keys(br#"{"manifests":[],"size":1,"annotations":{"Size":"x"}}"#).is_ok());
        let many = |last: &str| {
            let keys: String = (0..30).map(|n| format!("\"k{n}\":{n},")).collect();
            format!("{{{keys}\"{last}\":0}}")
        };
        assert!(refuse_ambiguous_keys(many("k30").as_bytes()).is_ok());
        for text in [
            r#"{"manifests":[],"manifests":[]}"#,
            r#"{"manifests":[],"Manifests":[]}"#,
            r#"{"config":{"DIGEST":"x"}}"#,
            r#"{"annotations":{"a":"1","a":"2"}}"#,
            r#"{"annotations":{"a":"1","\u0061":"2"}}"#,
            &many("k3"),
            &many("k29"),
            r#"{"a":1} x"#,
            &("[".repeat(40) + &"]".repeat(40)),
        ] {
            assert!(refuse_ambiguous_keys(text.as_bytes()).is_err(), "{text}");
        }
    }
}
