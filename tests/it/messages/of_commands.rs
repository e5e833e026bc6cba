//! Command lines that cannot be carried out.

use super::bundle;
use super::told::Told;
use crate::scene::{Scene, put_image, put_layer, put_small_image};
use crate::support::registry::Registry;

pub(super) fn scenes(told: &mut Told) {
    let scene = Scene::new();
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    told.add("export into no directory", &bundle().args(["export", "x/y:1", "-o", "/nowhere/a.tar"]).run().exits(2));
    told.add("export to standard output", &bundle().args(["export", "x/y:1", "-o", "-"]).run().exits(2));
    told.add(
        "export into a directory to be made",
        &bundle().args(["export", "x/y:1", "-o", "/nowhere/"]).run().exits(2),
    );
    scene.export(&["org/app:1"]).run().succeeds();
    told.add("export over a file", &scene.export(&["org/app:1"]).run().exits(2));
    let file = scene.bundle().display().to_string();
    let import = |args: &[&str]| bundle().args(["import", &file]).args(args);
    told.add("list of nothing", &bundle().args(["list", "/nowhere/a.tar"]).run().exits(2));
    told.add("list of a pipe", &bundle().args(["list", "/dev/null"]).run().exits(2));
    told.add("import with a mapping for nothing", &scene.import().args(["--map", "gcr.io=x"]).run().exits(2));
    let run = import(&["--registry", "h.example", "--plain-http=gcr.io"]);
    told.add("import with http for nothing", &run.run().exits(2));
    told.add("import to nowhere", &import(&[]).run().exits(2));
    let run = import(&["--registry", "h.example/a", "--namespace", "b"]);
    told.add("import with two namespaces", &run.run().exits(2));
    told.add("import to the url of a mirror", &import(&["--registry", "h.example/v2/library"]).run().exits(2));
    let run = bundle().args(["import", "-", "-", "--registry", "h.example"]);
    told.add("import of standard input twice", &run.run().exits(2));
    let run = bundle().args(["import", "-", "--registry", "h.example", "--username", "user", "--password-stdin"]);
    told.add("import of a bundle and a password at once", &run.run().exits(2));
    let run = import(&["--registry", "h.example", "--strict"]);
    told.add("strict import without a pin", &run.run().exits(2));
    let pin = format!("sha256:{}", "0".repeat(64));
    let run = import(&["--registry", "h.example", "--strict", "--expect", &pin, "--plain-http"]);
    told.add("strict import over http", &run.run().exits(2));
    told.add("login with a scheme", &bundle().args(["login", "https://h.example"]).run().exits(2));
    told.add("login of nobody", &bundle().args(["login", "h.example"]).run().exits(2));
    told.add("login without a password", &bundle().args(["login", "h.example", "--username", "user"]).run().exits(2));
    let run = bundle().args(["export", "a.example/x:1", "b.example/y:1", "-o", "/data.tar"]);
    let run = run.args(["--username", "user", "--password-stdin"]).stdin("secret");
    told.add("one user name for two registries", &run.run().exits(2));
    let run =
        bundle().args(["copy", "a.example/x:1", "--registry", "h.example", "--username", "user", "--password-stdin"]);
    let run = run.args(["--src-username", "user", "--src-password-stdin"]);
    told.add("two passwords on standard input", &run.run().exits(2));
    told.add("an unknown flag", &bundle().args(["import", "--regist", "x"]).run().exits(2));
    told.add("a value that is none", &bundle().args(["export", "x", "-o", "a", "--jobs", "0"]).run().exits(2));
    told.add("inventory of nothing", &bundle().args(["inventory", "-o", "/data/i.json"]).run().exits(2));
    let run = bundle().args(["inventory", "--registry", "h.example", "-o", "/data/i.json"]);
    told.add("inventory of a registry and nothing there", &run.run().exits(2));
    let run = bundle().args(["check", "-f", "-"]).stdin("a.example/x:1");
    told.add("check of nothing", &run.run().exits(2));
    of_servers(told, &file);
    of_one_target(told);
}

/// A server that cannot begin.
fn of_servers(told: &mut Told, file: &str) {
    let serve = |args: &[&str]| bundle().args(["serve", file]).args(args);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    told.know(address.clone(), "127.0.0.1:5000");
    told.add("serve where somebody listens", &serve(&["--listen", &address]).run().exits(4));
    let run = serve(&["--tls-cert", file, "--tls-key", file]);
    told.add("serve with what is no certificate", &run.run().exits(4));
    let run = serve(&["--self-signed"]).env("XDG_STATE_HOME", "").env("HOME", "");
    told.add("serve with an authority that lies nowhere", &run.run().exits(2));
}

/// Two images that would have one name at the target.
fn of_one_target(told: &mut Told) {
    let (scene, other) = (Scene::new(), Registry::start());
    told.know_all(&scene);
    told.know(other.host(), "other.example:5000");
    put_small_image(&scene.source, "org/app", "1");
    let layer = put_layer(&other, "org/app", "another image altogether");
    put_image(&other, "org/app", "1", &[layer]);
    scene.export(&["org/app:1"]).args([format!("{}/org/app:1", other.host())]).run().succeeds();
    let out = scene.import().run().exits(2);
    // Which of the two comes first follows from the ports of a run.
    let in_order = out.stderr.find(&scene.source.host()) < out.stderr.find(&other.host());
    if !in_order {
        told.know(scene.source.host(), "other.example:5000");
        told.know(other.host(), "source.example:5000");
    }
    told.add("import of two images with one name", &out);
}
