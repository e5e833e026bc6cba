//! Manifests and the walk below them: no panic, an end, and every node once.
//!
//! The input is some documents with a NUL between them. A digest leads to the document of its first
//! byte: no fuzzer finds a digest that is right.
#![no_main]

use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use oci_bundle::oci::{Descriptor, Digest, Manifest, MediaType, Reference, Repository};
use oci_bundle::plan::{Found, walk};
use oci_bundle::store::{Quiet, Source};
use oci_bundle::{Error, Result};

struct Documents<'a>(Vec<&'a [u8]>);

impl Source for Documents<'_> {
    fn resolve(&self, _: &Reference) -> Result<Manifest> {
        Err(Error::content("nothing has a name here"))
    }

    fn manifest(&self, _: &Repository, descriptor: &Descriptor) -> Result<Manifest> {
        let byte = u8::from_str_radix(&descriptor.digest.hex()[..2], 16).expect("hex");
        let bytes = self.0[usize::from(byte) % self.0.len()];
        let stated: Vec<MediaType> = MediaType::stated(descriptor.media_type.as_str()).into_iter().collect();
        Ok(Manifest::parse(Arc::from(bytes), descriptor.digest.clone(), &stated)?)
    }

    fn place(&self, _: &Repository, digest: &Digest) -> String {
        digest.to_string()
    }

    fn has_blob(&self, _: &Repository, descriptor: &Descriptor) -> Result<bool> {
        Ok(descriptor.size % 2 == 0)
    }

    fn open(&self, _: &Repository, _: &Descriptor, _: u64) -> Result<Box<dyn Read + Send + '_>> {
        Err(Error::content("nothing is read here"))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let documents = Documents(bytes.split(|b| *b == 0).collect());
    let repository = Repository::new("fuzz.invalid", "content").expect("a repository");
    let digest = |n: usize| format!("sha256:{n:02x}{}", "0".repeat(62)).parse::<Digest>().expect("a digest");
    let root = |n: usize| {
        let manifest = Manifest::parse(Arc::from(documents.0[n]), digest(n), &[]).ok()?;
        Some(Found { name: Some(format!("fuzz.invalid/content:{n}")), repository: repository.clone(), manifest })
    };
    let roots: Vec<Found> = (0..documents.0.len().min(4)).filter_map(root).collect();
    let Ok((contents, failures)) = walk(&documents, roots, 1, &Quiet) else { return };
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
});
