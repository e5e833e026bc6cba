//! What a person's machine does not have at hand: file systems without holes or with limits, and
//! drives that give back something else than they took.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::mpsc;

use super::super::output::Output;
use super::*;
use crate::archive::format::layout::Extent;
use crate::oci::{Descriptor, Manifest, MediaType, Role, Said};
use crate::store::{Contents, Node, Quiet, Root, RootName};

const MIB: u64 = 1 << 20;
const ROOMY: FileSystem = FileSystem { has_holes: true, reserves: true, file_limit: None, free: u64::MAX };

/// The layout of an image with layers of these sizes, whose digests are made up.
fn layout(sizes: &[u64]) -> Layout {
    let descriptor = |n: usize, size: u64| {
        let digest = Digest::sha256(format!("layer {n}").as_bytes());
        Descriptor::new(MediaType::from("application/vnd.oci.image.layer.v1.tar"), digest, size)
    };
    let layers: Vec<Descriptor> = sizes.iter().enumerate().map(|(n, size)| descriptor(n, *size)).collect();
    of_layers(layers)
}

fn of_layers(layers: Vec<Descriptor>) -> Layout {
    let text = serde_json::json!({"schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "layers": layers});
    let bytes = text.to_string().into_bytes();
    let digest = Digest::sha256(&bytes);
    let manifest = Manifest::parse(bytes.into(), digest.clone(), Said::default()).expect("a manifest");
    let node = Node::new(manifest.descriptor(), Role::Manifest, Vec::new());
    let mut nodes = vec![Node { manifest: Some(manifest), ..node }];
    nodes.extend(layers.into_iter().map(|layer| Node::new(layer, Role::Layer, Vec::new())));
    let root = Root { name: RootName::Full("r.example/app:1".parse().expect("a name")), digest };
    Layout::new(&Contents::new(nodes, vec![root])).expect("a layout")
}

/// Content without end, after a word from outside if it is to wait for one.
struct Zeros(Option<mpsc::Receiver<()>>);

impl Read for Zeros {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(word) = self.0.take() {
            word.recv().expect("a word");
        }
        buffer.fill(0);
        Ok(buffer.len())
    }
}

impl Content for Zeros {
    fn seek_to(&mut self, _: u64) -> Result<()> {
        Ok(())
    }
}

fn output(dir: &tempfile::TempDir) -> Output {
    Output::open(&dir.path().join("out.tar"), false).expect("an output")
}

#[test]
fn without_holes_nothing_is_written_far_ahead_of_a_slow_blob() {
    let dir = tempfile::tempdir().expect("a directory");
    let layout = layout(&[300 << 10; 10]);
    let regions = layout.regions().to_vec();
    let len = layout.bytes();
    let system = FileSystem { has_holes: false, reserves: false, ..ROOMY };
    let writer = output(&dir).begin_on(system, layout, 1, &Quiet).map_err(|s| s.error).expect("a writer");
    let file = File::open(dir.path().join(".out.tar.partial")).expect("the partial file");
    assert_eq!(file.metadata().expect("its length").len(), regions[0].start, "nothing is set aside");
    // Blobs may start up to 1 MiB after the front: besides the slow first one, three more.
    let near = regions.iter().skip(1).filter(|r| r.start <= regions[0].start + MIB).count();
    assert_eq!(near, 3);
    let (go_on, word) = mpsc::channel();
    let (sender, done) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut word = Some(word);
        for region in &regions {
            let (writer, sender, mut content) = (&writer, sender.clone(), Zeros(word.take()));
            scope.spawn(move || {
                writer.take(&region.digest, &mut content).expect("taken");
                sender.send(region.start).expect("the test listens");
            });
        }
        let mut first: Vec<u64> = done.iter().take(near).collect();
        first.sort_unstable();
        assert_eq!(first, regions[1..=near].iter().map(|r| r.start).collect::<Vec<_>>());
        assert_eq!(file.metadata().expect("its length").len(), regions[near].end());
        assert!(done.try_recv().is_err(), "the others wait");
        go_on.send(()).expect("the slow one listens");
    });
    drop(sender);
    assert_eq!(done.iter().count(), regions.len() - near);
    writer.finish(None, &Quiet).map_err(|s| s.error).expect("finished");
    assert_eq!(std::fs::metadata(dir.path().join("out.tar")).expect("a bundle").len(), len);
}

#[test]
fn a_bundle_that_cannot_fit_is_refused_before_the_first_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    let fat = FileSystem { has_holes: false, reserves: false, file_limit: Some(u32::MAX.into()), free: u64::MAX };
    let full = FileSystem { free: 4 * MIB, ..ROOMY };
    for (system, expected) in [(fat, "files here end at 4.00 GiB"), (full, "4.00 MiB are free")] {
        let result = output(&dir).begin_on(system, layout(&[5 << 30]), 1, &Quiet);
        let stopped = result.err().expect("refused");
        assert!(stopped.error.to_string().contains(expected), "{}", stopped.error);
        assert_eq!((stopped.error.kind(), stopped.leftover), (Kind::Failed, None));
        assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0, "nothing is left");
    }
}

#[test]
fn what_reads_back_differently_gets_no_name() {
    let bytes = vec![0; 700_001];
    let layer = Descriptor::new(MediaType::from("application/x.zeros"), Digest::sha256(&bytes), bytes.len() as u64);
    let extent: Extent = of_layers(vec![layer.clone()]).regions()[0].extent;
    let end = extent.offset + extent.size;
    // Nothing; the head; the header; the first and the last byte; the padding.
    let damages = [None, Some(700), Some(extent.offset - 500), Some(extent.offset), Some(end - 1), Some(end)];
    for damage in damages {
        let dir = tempfile::tempdir().expect("a directory");
        let layout = of_layers(vec![layer.clone()]);
        let writer = output(&dir).begin_on(ROOMY, layout, 1, &Quiet).map_err(|s| s.error).expect("a writer");
        writer.take(&layer.digest, &mut Zeros(None)).expect("taken");
        let partial = dir.path().join(".out.tar.partial");
        if let Some(at) = damage {
            let file = OpenOptions::new().write(true).open(&partial).expect("the partial file");
            file.write_all_at(b"!", at).expect("damaged");
        }
        let result = writer.finish(Some(2), &Quiet);
        assert_eq!(dir.path().join("out.tar").exists(), damage.is_none());
        match damage {
            None => assert!(result.is_ok()),
            Some(at) => {
                let stopped = result.expect_err("not the same");
                let text = stopped.error.to_string();
                let told = text.split_once("reads back differently at or after byte ").expect("so said").1;
                let told: u64 = told.split(':').next().and_then(|n| n.parse().ok()).expect("a number");
                assert!(told <= at, "{text}");
                assert_eq!((stopped.error.kind(), stopped.leftover.map(|k| k.path)), (Kind::Failed, Some(partial)));
            }
        }
    }
}
