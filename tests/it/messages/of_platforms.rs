//! Images of which only some platforms are asked for.

use super::told::Told;
use crate::platforms::put_app;
use crate::scene::Scene;

pub(super) fn scenes(told: &mut Told) {
    let scene = Scene::new();
    told.know_all(&scene);
    put_app(&scene.source, &["linux/amd64", "linux/arm64"]);
    let export = |platform: &str| scene.export(&["org/app:1"]).args(["--platform", platform]);
    told.add("export of a platform that an image has not", &export("linux/mips").run().exits(4));
    export("linux/amd64").run().succeeds();
    told.add("import of one platform where all are wanted", &scene.import().run().exits(4));
    let single = scene.import().args(["--single-platform", "linux/arm64"]);
    told.add("import of a single platform that was left out", &single.run().exits(4));
}
