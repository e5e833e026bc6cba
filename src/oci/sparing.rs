//! Lists and maps of which little is kept: a document of a few megabytes may hold millions of texts, and
//! each takes ten times its length. All of them are looked at, since the form of each counts.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// What is kept of annotations on descriptors: the names of an image, for containerd and for others.
pub(crate) const NAMES: [&str; 2] = ["io.containerd.image.name", oci_spec::image::ANNOTATION_REF_NAME];

/// The manifest of an index that an attestation of buildx is about (docker/buildx `attestation-storage.md`).
pub(super) const DESCRIBED: &str = "vnd.docker.reference.digest";
/// A longer text is no digest, in bytes.
const MOST_DESCRIBED: usize = 256;

/// What a map of texts is read into.
trait Kept: Default {
    fn keep(&mut self, key: String, value: String);
}

impl Kept for BTreeMap<String, String> {
    fn keep(&mut self, key: String, value: String) {
        if NAMES.contains(&key.as_str()) || (key == DESCRIBED && value.len() <= MOST_DESCRIBED) {
            self.insert(key, value);
        }
    }
}

impl Kept for () {
    fn keep(&mut self, _: String, _: String) {}
}

struct Texts<K>(PhantomData<K>);

impl<'de, K: Kept> Visitor<'de> for Texts<K> {
    type Value = K;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_none<E>(self) -> Result<K, E> {
        Ok(K::default())
    }

    fn visit_unit<E>(self) -> Result<K, E> {
        Ok(K::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<K, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<K, A::Error> {
        let mut kept = K::default();
        while let Some((key, value)) = map.next_entry()? {
            kept.keep(key, value);
        }
        Ok(kept)
    }
}

/// Annotations of which the names are kept, and what a manifest is about; `null` is none.
pub(super) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_option(Texts(PhantomData))
}

/// Annotations of which nothing is kept; `null` is none.
pub(super) fn nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    deserializer.deserialize_option(Texts(PhantomData))
}

/// The first `MOST` texts of a list; `null` is none.
pub(super) fn first<'de, const MOST: usize, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct First<const MOST: usize>;

    impl<'de, const MOST: usize> Visitor<'de> for First<MOST> {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of texts")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut kept = Vec::new();
            while let Some(text) = list.next_element()? {
                if kept.len() < MOST {
                    kept.push(text);
                }
            }
            Ok(kept)
        }
    }

    struct OrNull<const MOST: usize>(Vec<String>);

    impl<'de, const MOST: usize> Deserialize<'de> for OrNull<MOST> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(First::<MOST>).map(Self)
        }
    }

    Ok(Option::<OrNull<MOST>>::deserialize(deserializer)?.map(|OrNull(list)| list).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::Descriptor;

    fn read(rest: &str) -> Result<Descriptor, String> {
        let digest = super::super::Digest::sha256(b"");
        let text = format!(r#"{{"mediaType":"text/plain","digest":"{digest}","size":0{rest}}}"#);
        serde_json::from_str(&text).map_err(|e| e.to_string())
    }

    #[test]
    fn of_annotations_the_names_are_kept_and_of_urls_the_first_ten() {
        let annotations = r#","annotations":{"a":"1","org.opencontainers.image.ref.name":"x","b":"2"}"#;
        let kept = read(annotations).expect("a descriptor").annotations;
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), [("org.opencontainers.image.ref.name".into(), "x".into())]);
        let urls: Vec<String> = (0..15).map(|n| format!("\"{n}\"")).collect();
        let kept = read(&format!(r#","urls":[{}]"#, urls.join(","))).expect("a descriptor").urls;
        assert_eq!((kept.len(), kept[9].as_str()), (10, "9"));
        assert!(read(r#","annotations":null,"urls":null"#).is_ok_and(|d| d.urls.is_empty()));
    }

    #[test]
    fn what_is_not_kept_has_to_have_its_form_all_the_same() {
        for bad in [
            r#","annotations":{"a":1}"#,
            r#","annotations":{"a":null}"#,
            r#","annotations":["a"]"#,
            r#","annotations":"a""#,
            r#","urls":{"a":"b"}"#,
            r#","urls":"a""#,
            r#","urls":["1","2","3","4","5","6","7","8","9","10","11",12]"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
