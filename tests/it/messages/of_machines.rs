//! The machine, its drives and its limits; and what other processes leave.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::told::Told;
use crate::scene::{Scene, put_image, put_made_layer, put_small_image};
use crate::support::registry::{Fault, Match};
use crate::support::run::{Output, Run};

const BUNDLE: &str = env!("CARGO_BIN_EXE_bundle");

/// The program below a shell that does this first.
fn below(shell: &str, args: &[&str]) -> Output {
    let script = format!("bundle=$1; shift; {shell}");
    Run::new("sh").args(["-c", &script, "sh", BUNDLE]).args(args).env("BUNDLE_RETRY_DELAY", "1").run()
}

pub(super) fn scenes(told: &mut Told) {
    let scene = Scene::new();
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    of_places(told, &scene);
    let (file, name) = (scene.bundle().display().to_string(), scene.name("org/app:1"));
    let export = ["export", "--plain-http", "--retries", "0", &name, "-o", &file];
    told.add("too few open files", &below("ulimit -n 6; exec \"$bundle\" \"$@\"", &export).exits(1));
    told.add("files that may not be long", &below("ulimit -f 1; exec \"$bundle\" \"$@\"", &export).exits(1));
    scene.export(&["org/app:1"]).run().succeeds();
    told.add("a full standard output", &below("exec \"$bundle\" \"$@\" > /dev/full", &["list", &file]).exits(1));
    of_rights(told, &scene);
    of_processes(told);
}

/// A file that is somebody else's, and a drive that is read only.
fn of_rights(told: &mut Told, scene: &Scene) {
    let file = scene.bundle();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("a mode");
    told.add("a file that may not be read", &as_nobody(scene, &["list", file.to_str().expect("a path")]).exits(4));

    let drive = scene.path("drive");
    fs::create_dir(&drive).expect("a directory");
    // A mount namespace of its own, so that nobody else sees that drive.
    let own = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let on = |then: &str| {
        let script = format!("mount -t tmpfs -o ro none \"$0\" && {then}");
        Run::new("unshare").args([own, "sh", "-c", &script]).args([&drive])
    };
    let label = "export to a drive that is read only";
    if on("true").run().code != Some(0) {
        return told.is_impossible(label);
    }
    let run = on("exec \"$@\"").args([BUNDLE, "export", "--plain-http", &scene.name("org/app:1"), "-o"]);
    told.add(label, &run.args([drive.join("a.tar")]).run().exits(4));
}

/// The program as somebody who is not root: root may do everything.
fn as_nobody(scene: &Scene, args: &[&str]) -> Output {
    if !rustix::process::geteuid().is_root() {
        return Run::new(BUNDLE).args(args).run();
    }
    // Where everybody gets to.
    let open = scene.path("open");
    let script = "mkdir \"$1\" && cp \"$2\" \"$1/bundle\" && chmod 755 \"$1\" \"$1/..\" \"$1/bundle\"";
    Run::new("sh").args(["-c", script, "sh"]).args([open.as_os_str(), BUNDLE.as_ref()]).run().succeeds();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    Run::new("setpriv").args(nobody).args([open.join("bundle")]).args(args).run()
}

/// What stands at the name of the new bundle, or beside it.
fn of_places(told: &mut Told, scene: &Scene) {
    let to = |name: &str| scene.export_to(&scene.path(name), &["org/app:1"]).run();
    fs::create_dir(scene.path("directory")).expect("a directory");
    symlink(scene.path("nowhere"), scene.path("link")).expect("a link");
    mknodat(CWD, scene.path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a fifo");
    fs::write(scene.path(".shared.tar.partial"), "x").expect("a file");
    fs::set_permissions(scene.path(".shared.tar.partial"), fs::Permissions::from_mode(0o666)).expect("a mode");
    told.add("export to the name of a directory", &to("directory").exits(2));
    told.add("export to the name of a link", &to("link").exits(2));
    told.add("export to the name of a pipe", &to("fifo").exits(2));
    told.add("export over what others began", &to("shared.tar").exits(4));
}

/// Two at once, and one that is stopped.
fn of_processes(told: &mut Told) {
    let scene = Scene::new();
    told.know_all(&scene);
    let layer = put_made_layer(&scene.source, "org/app", 3, 4_000_000);
    let digest = layer["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[layer]);
    scene.source.fault(Match::on("GET", &digest), Fault::StallAfter(100_000));
    let first = scene.export(&["org/app:1"]).spawn();
    scene.source.wait_until(|requests| requests.iter().any(|r| r.sent_bytes == 100_000));
    told.add("export to what another one writes", &scene.export(&["org/app:1"]).run().exits(1));
    first.interrupt();
    told.add("export that is stopped", &first.wait().exits(130));
    scene.source.clear_faults();
    scene.export(&["org/app:1"]).args(["--force"]).run().succeeds();
    let layer = digest.replace(':', "%3A");
    scene.target.fault(Match::on("PUT", &layer), Fault::StallUploadAfter(100_000));
    let import = scene.import().spawn();
    scene.target.wait_until(|requests| requests.iter().any(|r| r.body_bytes == 100_000));
    import.interrupt();
    told.add("import that is stopped", &import.wait().exits(130));
}
