//! What a break costs, and what is said when no place gives the content.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::error::NextStep;
use crate::oci::{Digest, Manifest, Role};
use crate::store::Quiet;

/// Has one blob, and counts what is read of it.
struct Counting {
    bytes: Vec<u8>,
    read: AtomicU64,
}

impl Counting {
    fn new(size: usize) -> Self {
        let bytes = (0..size).map(|n| u8::try_from(n % 251).expect("small")).collect();
        Self { bytes, read: AtomicU64::new(0) }
    }

    fn node(&self) -> Node {
        let descriptor = Descriptor::new("x/y".into(), Digest::sha256(&self.bytes), self.bytes.len() as u64);
        Node::new(descriptor, Role::Layer, vec![Place::new(0)])
    }

    fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

struct Counted<'a>(&'a [u8], &'a AtomicU64);

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.0.read(buffer)?;
        self.1.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

impl Source for Counting {
    fn places(&self, _: &Descriptor, near: Place) -> Vec<Place> {
        vec![near]
    }

    fn name(&self, _: Place, digest: &Digest) -> String {
        digest.to_string()
    }

    fn blame(&self, _: Place, _: &Digest, error: Error) -> Error {
        error
    }

    fn manifest(&self, _: Place, _: &Descriptor) -> Result<Manifest> {
        Err(Error::content("no manifest here"))
    }

    fn has_blob(&self, _: Place, _: &Descriptor) -> Result<bool> {
        Ok(true)
    }

    fn open(&self, _: Place, _: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        let rest = &self.bytes[usize::try_from(offset).expect("an offset")..];
        Ok(Box::new(Counted(rest, &self.read)))
    }
}

fn read_to_end(content: &mut BlobContent<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).expect("checked content");
    bytes
}

#[test]
fn a_break_costs_a_little_and_the_next_at_the_same_place_nothing() {
    const SIZE: u64 = 8 << 20;
    let source = Counting::new(SIZE as usize);
    let node = source.node();
    let mut content = BlobContent::new(&source, &node, &Quiet);
    let mut head = vec![0; 5 << 20];
    content.read_exact(&mut head).expect("checked content");
    let held = 3_333_333;
    let before = source.read();
    content.seek_to(held).expect("back");
    let once = source.read() - before;
    assert!(once < 512 << 10, "{once} bytes read again to go back to {held}");
    for _ in 0..20 {
        let mut some = vec![0; 100_000];
        content.read_exact(&mut some).expect("checked content");
        assert_eq!(some[..], source.bytes[held as usize..][..100_000]);
        let before = source.read();
        content.seek_to(held).expect("back");
        assert_eq!(source.read() - before, 0, "nothing before {held} is read again");
    }
    let rest = read_to_end(&mut content);
    assert!(rest == source.bytes[held as usize..], "and the digest was checked over the whole");
}

#[test]
fn sent_in_many_small_chunks_content_is_read_hardly_more_than_once() {
    const CHUNK: u64 = 128 << 10;
    let source = Counting::new(16 << 20);
    let node = source.node();
    let mut content = BlobContent::new(&source, &node, &Quiet);
    let mut at = 0;
    while at < node.descriptor.size {
        // Every chunk is lost once.
        for _ in 0..2 {
            content.seek_to(at).expect("back");
            let mut chunk = vec![0; CHUNK as usize];
            content.read_exact(&mut chunk).expect("checked content");
        }
        at += CHUNK;
    }
    assert_eq!(source.read(), 2 * node.descriptor.size, "each chunk twice, and nothing else");
}

/// Has one blob: wrong at the first place, refused at the second, not answered for at the third.
struct Failing;

impl Source for Failing {
    fn places(&self, _: &Descriptor, near: Place) -> Vec<Place> {
        vec![near]
    }

    fn name(&self, place: Place, _: &Digest) -> String {
        format!("place {}", place.number())
    }

    fn blame(&self, place: Place, digest: &Digest, error: Error) -> Error {
        error.at(self.name(place, digest))
    }

    fn manifest(&self, _: Place, _: &Descriptor) -> Result<Manifest> {
        Err(Error::content("no manifest here"))
    }

    fn has_blob(&self, _: Place, _: &Descriptor) -> Result<bool> {
        Ok(true)
    }

    fn open(&self, place: Place, _: &Descriptor, _: u64) -> Result<Box<dyn Read + Send + '_>> {
        match place.number() {
            0 => Ok(Box::new(&b"wrong"[..])),
            1 => Err(Error::refused("no right to read", NextStep::CheckName)),
            _ => Err(Error::Network { request: "GET".into(), reason: "no answer".into() }),
        }
    }
}

#[test]
fn content_that_no_place_gives_is_refused_in_the_words_of_each() {
    for places in [vec![0, 1, 2], vec![0, 2, 1], vec![1, 0, 2], vec![2, 1, 0], vec![1, 2], vec![0, 1]] {
        let descriptor = Descriptor::new("x/y".into(), Digest::sha256(b"right"), 5);
        let node = Node::new(descriptor, Role::Layer, places.iter().map(|number| Place::new(*number)).collect());
        let error = BlobContent::new(&Failing, &node, &Quiet).check().expect_err("nobody has it");
        for place in &places {
            assert!(error.to_string().contains(&format!("place {place}")), "{places:?}: {error}");
        }
        // As long as one of them may pass, trying again may help.
        let kind = if places.contains(&2) { Kind::Transient } else { Kind::Content };
        assert_eq!(error.kind(), kind, "{places:?}: {error}");
    }
}
