//! A document in YAML or JSON as a tree in which everything knows its line.
//!
//! Scalars keep the text that was written: a tag `1.30` is no number, and `on` no truth.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Budget, DuplicateKeyPolicy, Options, Spanned};

/// Lists and maps within each other: what Kubernetes describes its own types with goes to some thirty.
const MOST_DEPTH: usize = 100;
/// Documents in one text: what a large installation prints has some thousands.
const MOST_DOCUMENTS: usize = 100_000;
/// Values in one text: each takes some 200 bytes while it is read.
const MOST_NODES: usize = 1_000_000;
/// What aliases stand for, in all, in values.
const MOST_REPEATED: usize = 100_000;

/// What is said of a text that goes beyond these.
pub(super) const TOO_MUCH: &str = "deeper or larger than any list of images";

/// A value and the line that it begins on, counted from 1.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// What a document is made of.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    /// As it was written, without quotes.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Why a text is no such document.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// Counted from 1; 0 where it is not known.
    pub(super) line: usize,
    pub(super) reason: String,
}

impl Node {
    /// The value of a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The value at the end of these keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The items of the list at the end of these keys.
    pub(super) fn items_at(&self, path: &[&str]) -> &[Self] {
        self.at(path).map_or(&[], Self::items)
    }

    /// A key that a map in it has twice, with its line.
    pub(super) fn repeated(&self) -> Option<(usize, &str)> {
        let mut seen = HashSet::new();
        let twice = self.entries().iter().find(|(key, _)| !seen.insert(key.as_str()));
        let here = twice.map(|(key, node)| (node.line, key.as_str()));
        let below = || {
            let values = self.entries().iter().map(|(_, node)| node).chain(self.items());
            values.into_iter().find_map(Self::repeated)
        };
        here.or_else(below)
    }

    /// A scalar's text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of the scalar at the end of these keys.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).and_then(Self::text)
    }
}

/// The documents of a text, empty ones left out.
pub(super) fn documents(text: &str) -> Result<Vec<Node>, Unreadable> {
    let mut options = Options::default();
    // Each format judges by itself.
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    options.non_finite_float_policy = NonFiniteFloatPolicy::AsString;
    options.with_snippet = false;
    options.alias_limits.max_total_replayed_events = MOST_REPEATED;
    let mut budget = Budget::default();
    budget.max_depth = MOST_DEPTH;
    budget.max_documents = MOST_DOCUMENTS;
    budget.max_nodes = MOST_NODES;
    budget.max_events = 4 * MOST_NODES;
    options.budget = Some(budget);
    let raw: Vec<Spanned<Raw>> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| Unreadable {
            line: error.location().map_or(0, |location| number(location.line())),
            reason: reason(&error.to_string()),
        })?;
    let nodes = raw.into_iter().map(|raw| settled(raw, text));
    Ok(nodes.filter(|node| !matches!(node.value, Value::Null)).collect())
}

fn number(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

/// Why, in one line. The line number is told by itself.
fn reason(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    let text = text.split(" at line ").next().unwrap_or_default();
    if text.contains("limit exceeded") || text.contains("budget breached") {
        return format!("{TOO_MUCH}, with its aliases written out ({text})");
    }
    format!("neither names line by line nor a document: {text}")
}

/// A value as the parser gives it.
enum Raw {
    Null,
    Text(String),
    /// A number or a truth, whose text stands in the source.
    Other(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(String, Spanned<Raw>)>),
}

fn settled(raw: Spanned<Raw>, source: &str) -> Node {
    let span = raw.defined.span();
    let written = || {
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let len = usize::try_from(span.byte_len()?).ok()?;
        Some(source.get(start..start.checked_add(len)?)?.trim().to_owned())
    };
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Text(text) => Value::Text(text),
        Raw::Other(shown) => Value::Text(written().filter(|text| !text.is_empty()).unwrap_or(shown)),
        Raw::List(items) => Value::List(items.into_iter().map(|item| settled(item, source)).collect()),
        Raw::Map(entries) => Value::Map(entries.into_iter().map(|(key, node)| (key, settled(node, source))).collect()),
    };
    Node { line: number(raw.referenced.line()), value }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Other(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Other(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Other(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Other(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Other(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Other(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Raw, E> {
        Ok(Raw::Other(String::from_utf8_lossy(value).into_owned()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Key>()? {
            map.push((key.0, entries.next_value()?));
        }
        Ok(Raw::Map(map))
    }
}

/// A key, which may be written as a number: `8080: …`.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Raw::deserialize(deserializer)? {
            Raw::Null => Ok(Self(String::new())),
            Raw::Text(text) | Raw::Other(text) => Ok(Self(text)),
            Raw::List(_) | Raw::Map(_) => Err(D::Error::custom("a key that is no scalar")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_keep_their_text_and_everything_its_line() {
        let text = "# c\na: 1.30\nb: [on, 0x10, \"1.0\", ~]\n---\n---\nc: &x\n  d: yes\ne: *x\n8080: z\n";
        let nodes = documents(text).expect("two documents");
        assert_eq!(nodes.len(), 2);
        let a = nodes[0].get("a").expect("a");
        assert_eq!((a.text(), a.line), (Some("1.30"), 2));
        let texts: Vec<_> = nodes[0].items_at(&["b"]).iter().map(Node::text).collect();
        assert_eq!(texts, [Some("on"), Some("0x10"), Some("1.0"), None]);
        assert_eq!(nodes[1].text_at(&["e", "d"]), Some("yes"));
        assert_eq!(nodes[1].text_at(&["8080"]), Some("z"));
    }

    #[test]
    fn json_is_read_as_well_and_what_is_neither_is_refused_with_its_line() {
        let nodes = documents("{\n\t\"a\": {\"b\": [\"x:1\"]}\n}").expect("json");
        assert_eq!(nodes[0].items_at(&["a", "b"])[0].text(), Some("x:1"));
        for (text, line) in [("a: b\nc: {{ .Values.x }}\n", 2), ("a: [\n", 2)] {
            let error = documents(text).expect_err(text);
            assert!(error.line >= 1 && error.line <= line + 1, "{text}: {error:?}");
        }
    }
}
