//! A bundle of 100 GiB opens at once: only headers, manifests and configs are read.

use crate::reader_parts::{Given, short_of_memory, write_vast};
use crate::support::registry::Registry;

#[test]
fn a_hundred_gibibytes_of_a_thousand_images_are_listed_at_once() {
    // 4 000 layers of 25.6 MiB and a bit, so that there is padding.
    let given = Given::written(|path| write_vast(path, 1000, (256 << 20) / 10 + 7));
    let path = given.path.to_str().expect("a path");
    assert!(given.path.metadata().expect("a file").len() > 100 << 30);
    // The program under test is not optimised; the lane measures the one that is.
    let listed = short_of_memory(&["list", "--format", "json", path]).succeeds();
    assert!(listed.took.as_secs() < 5, "{:?}", listed.took);
    let listed = listed.json();
    let images = listed["images"].as_array().expect("images");
    assert_eq!((images.len(), &images[999]["name"]), (1000, &"gcr.io/org/app:0999".into()));
    assert_eq!(images[999]["platforms"][0]["platform"], "linux/amd64");

    let registry = Registry::start();
    let planned = short_of_memory(&["import", path, "--dry-run", "--plain-http", "--registry", &registry.host()]);
    let planned = planned.succeeds();
    assert!(planned.stdout.contains("1000 images · 5000 blobs to send"), "{}", planned.stdout);
}
