//! Bundles in volumes, and those of which some are missing.

use std::fs;

use super::bundle;
use super::told::Told;
use crate::support::registry::Builder;
use crate::support::run::Run;
use crate::volumes_scene::{IMAGES, SIZE, export, exported, import, scene, with};

pub(super) fn scenes(told: &mut Told) {
    let scene_of_none = scene(Builder::default(), Builder::default());
    told.know_all(&scene_of_none);
    let short = export(&scene_of_none, "1KiB");
    told.add("volumes that are too short", &short.run().exits(2));
    let pause = scene_of_none.export(&IMAGES).args(["--volume-size", "200000", "--pause"]);
    told.add("volumes with a pause, and nobody there", &pause.run().exits(2));
    let script = export(&scene_of_none, &SIZE.to_string()).args(["--volume-script", "exit 7"]);
    told.add("volumes with a command that fails", &script.run().exits(1));

    let (scene, volumes) = exported();
    told.know_all(&scene);
    told.add("verification of some volumes", &with("verify", &volumes[..2]).run().exits(1));
    told.add("import of some volumes", &import(&scene, &volumes[..1]).args(["--retries", "0"]).run().exits(1));
    let each = || volumes.iter().map(|volume| import(&scene, std::slice::from_ref(volume)).run());
    let last = each().chain(each()).last().expect("an import");
    told.add("import of volumes one by one", &last.exits(1));

    let packed = scene.path("packed.tar");
    let some = with("pack", &volumes[..2]).args(["-o"]).args([&packed]);
    told.add("packing of some volumes", &some.run().exits(1));
    let several = scene.export_to(&packed, &IMAGES).args(["--base"]).args(&volumes[..2]);
    told.add("several volumes after one --base", &several.run().exits(2));

    let unpacked = scene.path("unpacked");
    fs::create_dir(&unpacked).expect("a directory");
    Run::new("tar").args(["-xf"]).args([&volumes[0]]).args(["-C"]).args([&unpacked]).run().succeeds();
    told.add("a volume that was unpacked", &bundle().args(["list"]).args([&unpacked]).run().exits(3));
}
