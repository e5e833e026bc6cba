//! A bundle of 100 GiB opens at once: only headers, manifests and configs are read.

use crate::reader_parts::{Given, short_of_memory, write_vast};
use crate::support::registry::Registry;
use crate::support::run::{Output, Run};

/// Runs the program, and says at its end how many bytes it read (proc(5), `/proc/PID/io`).
fn counting_reads(args: &[&str]) -> Output {
    let script = r#""$0" "$@" && cat /proc/$$/io >&2"#;
    Run::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_bundle")]).args(args).run()
}

#[test]
fn a_hundred_gibibytes_of_a_thousand_images_are_listed_at_once() {
    // 4 000 layers of 25.6 MiB and a bit, so that there is padding.
    let given = Given::written(|path| write_vast(path, 1000, (256 << 20) / 10 + 7));
    let path = given.path.to_str().expect("a path");
    assert!(given.path.metadata().expect("a file").len() > 100 << 30);
    let listed = counting_reads(&["list", "--format", "json", path]).succeeds();
    let read = listed.stderr.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("what was read");
    let read: u64 = read.parse().expect("a number");
    assert!(read < 64 << 20, "{read} bytes are read of a hundred gibibytes");
    let listed = listed.json();
    let images = listed["images"].as_array().expect("images");
    assert_eq!((images.len(), &images[999]["name"]), (1000, &"gcr.io/org/app:0999".into()));
    assert_eq!(images[999]["platforms"][0]["platform"], "linux/amd64");

    let registry = Registry::start();
    let planned = short_of_memory(&["import", path, "--dry-run", "--plain-http", "--registry", &registry.host()]);
    let planned = planned.succeeds();
    assert!(planned.stdout.contains("1000 images · 5000 blobs to send"), "{}", planned.stdout);
}
