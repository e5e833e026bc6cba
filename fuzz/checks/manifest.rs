//! Manifests and the walk below them: no panic, an end, and every node once.
//!
//! The input is some documents with a NUL between them. A digest leads to the document of its first
//! byte: no fuzzer finds a digest that is right.

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use crate::oci::{Descriptor, Digest, Manifest, Said};
use crate::plan::{Budget, Platforms, Start, walk};
use crate::store::{Place, RootName, Source};
use crate::{Error, Quiet, Result};

struct Documents<'a>(Vec<&'a [u8]>);

impl Documents<'_> {
    fn place(&self) -> Place {
        Place::new(0)
    }
}

impl Source for Documents<'_> {
    fn places(&self, _: &Descriptor, near: Place) -> Vec<Place> {
        vec![near]
    }

    fn name(&self, _: Place, digest: &Digest) -> String {
        digest.to_string()
    }

    fn blame(&self, _: Place, _: &Digest, error: Error) -> Error {
        error
    }

    fn manifest(&self, _: Place, descriptor: &Descriptor) -> Result<Manifest> {
        let byte = u8::from_str_radix(&descriptor.digest.hex()[..2], 16).expect("hex");
        let bytes = self.0[usize::from(byte) % self.0.len()];
        let said = Said { described: Some(&descriptor.media_type), served: None };
        Ok(Manifest::parse(Arc::from(bytes), descriptor.digest.clone(), said)?)
    }

    fn has_blob(&self, _: Place, descriptor: &Descriptor) -> Result<bool> {
        Ok(descriptor.size % 2 == 0)
    }

    fn open(&self, _: Place, _: &Descriptor, _: u64) -> Result<Box<dyn Read + Send + '_>> {
        Err(Error::content("nothing is read here"))
    }
}

pub fn check(bytes: &[u8]) {
    let documents = Documents(bytes.split(|b| *b == 0).collect());
    let digest = |n: usize| format!("sha256:{n:02x}{}", "0".repeat(62)).parse::<Digest>().expect("a digest");
    let start = |n: usize| {
        let said = Said { described: None, served: None };
        let manifest = Manifest::parse(Arc::from(documents.0[n]), digest(n), said).ok()?;
        let name = RootName::Full(format!("fuzz.invalid/content:{n}").parse().expect("a name"));
        let places = vec![documents.place()];
        let (descriptor, platforms) = (manifest.descriptor(), Platforms::default());
        Some(Start { name, descriptor, manifest: Some(manifest), places, platforms })
    };
    let starts: Vec<Start> = (0..documents.0.len().min(4)).filter_map(start).collect();
    let Ok((contents, failures)) = walk(&documents, starts, 1, &Budget::new(Budget::DEFAULT), &Quiet) else { return };
    let nodes: HashSet<&Digest> = contents.nodes.iter().map(|n| &n.descriptor.digest).collect();
    assert_eq!(nodes.len(), contents.nodes.len());
    let images = contents.images_with_each(nodes.iter().copied());
    assert!(images.iter().all(|names| !names.is_empty()));
    for root in &contents.roots {
        assert!(contents.closure(&root.digest).len() <= nodes.len());
    }
    for failure in failures {
        assert!(!failure.images.is_empty());
    }
}
