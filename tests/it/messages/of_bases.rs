//! Bundles that lack what a base has, and bundles that are made of others.

use std::fs;

use super::bundle;
use super::told::Told;
use crate::layer_deltas::{Months, months};
use crate::scene::{Scene, put_image, put_layer, put_small_image};

pub(super) fn scenes(told: &mut Told) {
    let scene = Scene::new();
    told.know_all(&scene);
    let shared = put_layer(&scene.source, "org/app", "a layer that both have");
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&shared));
    let own = put_layer(&scene.source, "org/app", "and one that is new");
    put_image(&scene.source, "org/app", "2", &[shared, own]);
    let (base, delta) = (scene.path("base.tar"), scene.path("delta.tar"));
    scene.export_to(&base, &["org/app:1"]).run().succeeds();
    scene.export_to(&delta, &["org/app:2"]).args(["--base"]).args([&base]).run().succeeds();
    let import = bundle().args(["import"]).args([&delta]).args(["--plain-http", "--registry", &scene.target.host()]);
    told.add("import of a delta without its base", &import.run().exits(4));

    let whole = fs::read(&base).expect("the base");
    let damaged = scene.path("damaged.tar");
    fs::write(&damaged, &whole[..whole.len() - 1500]).expect("written");
    let export = scene.export_to(&scene.path("other.tar"), &["org/app:2"]).args(["--base"]).args([&damaged]);
    told.add("export on a base that was cut", &export.run().exits(3));

    let missing = scene.export_to(&scene.path("patch.tar"), &["org/app:2"]).args(["--layer-deltas"]);
    told.add("export of what changed in layers, without a base", &missing.run().exits(2));
    let volumes = scene.export_to(&scene.path("patch.tar"), &["org/app:2"]).args(["--volume-size", "cd", "--base"]);
    let volumes = volumes.args([&base]).args(["--layer-deltas"]);
    told.add("export of what changed in layers, into volumes", &volumes.run().exits(2));
    let Months { scene: months, june, patch, old, .. } = months();
    told.know_all(&months);
    told.know(patch.display(), "/media/usb/patch.tar");
    let import =
        || bundle().args(["import"]).args([&patch]).args(["--plain-http", "--registry", &months.target.host()]);
    told.add("import of what changed in layers, without the old ones", &import().run().exits(4));
    bundle()
        .args(["import"])
        .args([&june])
        .args(["--plain-http", "--registry", &months.target.host()])
        .run()
        .succeeds();
    let mut other = months.source.blob("org/app", &old).expect("a layer");
    other.reverse();
    months.target.put_blob_as("library/org/app", &old, other);
    told.add("import of what changed in layers, with an old one that is another", &import().run().exits(3));

    put_small_image(&scene.source, "org/app", "1");
    let again = scene.path("again.tar");
    scene.export_to(&again, &["org/app:1"]).run().succeeds();
    let pack = bundle().args(["pack"]).args([&base, &again]).args(["-o"]).args([scene.path("packed.tar")]);
    told.add("pack of two images with one name", &pack.run().exits(2));
}
