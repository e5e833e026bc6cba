//! What people do with volumes by mistake: each with what `verify` and `import` say, and how they end.

use std::path::{Path, PathBuf};

use crate::scene::{Scene, command, put_small_image};
use crate::support::registry::{Builder, Registry};
use crate::volumes_scene::{IMAGES, exported, scene, volumes, with};

struct Mistake {
    what: &'static str,
    files: Vec<PathBuf>,
    /// The exit status of each, and what its output has in it.
    verify: (i32, Vec<String>),
    import: (i32, Vec<String>),
    /// Whether everything is at the target then.
    arrives: bool,
}

fn copy(from: &Path, to: PathBuf) -> PathBuf {
    std::fs::copy(from, &to).expect("a copy");
    to
}

fn changed(from: &Path, to: PathBuf, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = std::fs::read(from).expect("a volume");
    change(&mut bytes);
    std::fs::write(&to, bytes).expect("a file");
    to
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// With this one in the place of the second.
fn in_place(volumes: &[PathBuf], other: PathBuf) -> Vec<PathBuf> {
    let mut files = volumes.to_vec();
    files[1] = other;
    files
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn mistakes(scene: &Scene, volumes: &[PathBuf], foreign: &[PathBuf], other_size: &[PathBuf]) -> Vec<Mistake> {
    let second = name(&volumes[1]);
    let lost = || volumes.iter().filter(|path| **path != volumes[1]).cloned().collect::<Vec<_>>();
    let swapped = scene.path("swapped");
    std::fs::create_dir(&swapped).expect("a directory");
    let cross = [copy(&volumes[0], swapped.join(&second)), copy(&volumes[1], swapped.join(name(&volumes[0])))];
    let mut swapped: Vec<PathBuf> = volumes[2..].to_vec();
    swapped.extend(cross);
    let again = copy(&volumes[1], scene.path("again.tar"));
    let damaged = changed(&volumes[1], scene.path("damaged.tar"), |bytes| {
        let at = bytes.len() - 3_000;
        bytes[at] ^= 1;
    });
    let cut = changed(&volumes[1], scene.path("cut.tar"), |bytes| bytes.truncate(bytes.len() - 2_000));
    let renumbered = changed(&volumes[1], scene.path("renumbered.tar"), |bytes| {
        let at = bytes.windows(11).position(|w| w == b"\"number\":2,").expect("its number");
        bytes[at + 9] = b'1';
    });
    let mut all = volumes.to_vec();
    all.reverse();
    let waits = format!("waits for what is in {}", scene.path(&second).display());
    vec![
        Mistake {
            what: "the order is another",
            files: all.clone(),
            verify: (0, texts(&["intact"])),
            import: (0, vec![]),
            arrives: true,
        },
        Mistake {
            what: "one is lost",
            files: lost(),
            verify: (1, vec![second.clone(), "are not here".into()]),
            import: (1, vec![waits.clone()]),
            arrives: false,
        },
        Mistake {
            what: "two have each other's names",
            files: swapped,
            verify: (0, texts(&["is named as volume 2, and is volume 1", "is named as volume 1, and is volume 2"])),
            import: (0, texts(&["is named as volume 2, and is volume 1"])),
            arrives: true,
        },
        Mistake {
            what: "one is there twice",
            files: volumes.iter().cloned().chain([again.clone()]).collect(),
            verify: (0, texts(&["images-2of5.tar is volume 2 too", "again.tar is volume 2 too"])),
            import: (0, texts(&["are both volume 2"])),
            arrives: true,
        },
        Mistake {
            what: "one is there twice, and another is lost",
            files: lost().into_iter().chain([volumes[0].clone()]).collect(),
            verify: (1, vec![second.clone()]),
            import: (1, vec![waits.clone(), "are both volume 1".into()]),
            arrives: false,
        },
        Mistake {
            what: "one is of another bundle",
            files: in_place(volumes, foreign[1].clone()),
            verify: (1, texts(&["are not here"])),
            import: (1, texts(&["volumes of 2 bundles"])),
            arrives: false,
        },
        Mistake {
            what: "one is of another division of the same bundle",
            files: in_place(volumes, other_size[1].clone()),
            verify: (1, texts(&["are not here"])),
            import: (1, texts(&["volumes of two sizes"])),
            arrives: false,
        },
        Mistake {
            what: "one is damaged",
            files: in_place(volumes, damaged.clone()),
            verify: (3, texts(&["damaged.tar"])),
            import: (3, texts(&["damaged.tar"])),
            arrives: false,
        },
        Mistake {
            what: "one is damaged, and there once more whole",
            files: volumes.iter().cloned().chain([damaged]).rev().collect(),
            verify: (3, texts(&["damaged.tar"])),
            import: (0, vec![]),
            arrives: true,
        },
        Mistake {
            what: "one was cut off",
            files: in_place(volumes, cut),
            verify: (3, texts(&["cut.tar"])),
            // What is good of it counts, and the rest is waited for.
            import: (1, vec![waits, "cut.tar".into(), "it is truncated".into()]),
            arrives: false,
        },
        Mistake {
            what: "one says inside that it is another",
            files: in_place(volumes, renumbered),
            verify: (3, texts(&["renumbered.tar"])),
            import: (3, texts(&["renumbered.tar"])),
            arrives: false,
        },
    ]
}

#[test]
fn each_mistake_with_volumes_has_its_status_and_its_words() {
    let (source, own) = exported();
    let other = scene(Builder::default(), Builder::default());
    put_small_image(&other.source, "org/more", "1");
    other.export(&["org/a:1", "org/more:1", "org/large:1"]).args(["--volume-size", "200000"]).run().succeeds();
    source.export_to(&source.path("third.tar"), &IMAGES).args(["--volume-size", "300000"]).run().succeeds();
    let mut other_size: Vec<PathBuf> =
        source.files().iter().filter(|name| name.starts_with("third-")).map(|name| source.path(name)).collect();
    other_size.sort();
    for Mistake { what, files, verify, import, arrives } in mistakes(&source, &own, &volumes(&other), &other_size) {
        let target = Registry::builder().accepting().start();
        let said = with("verify", &files).run();
        assert_eq!(said.code, Some(verify.0), "{what}: {}", said.all());
        verify.1.iter().for_each(|text| assert!(said.all().contains(text), "{what}: {text}: {}", said.all()));
        let said = command("import").args(&files).args(["--plain-http", "--registry", &target.host()]).run();
        assert_eq!(said.code, Some(import.0), "{what}: {}", said.all());
        import.1.iter().for_each(|text| assert!(said.all().contains(text), "{what}: {text}: {}", said.all()));
        // Whatever came of it, nothing is tagged that is not whole.
        crate::kill::assert_whole(&target, what);
        let tagged: usize = target.repositories().iter().map(|repository| target.tags(repository).len()).sum();
        assert_eq!(tagged == IMAGES.len(), arrives, "{what}: {tagged} images: {}", said.all());
    }
}
