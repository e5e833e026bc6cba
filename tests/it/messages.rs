//! What a person reads when something goes wrong, as it stands in `messages.txt`: each message with its next step, in
//! three lines of a hundred columns at most. BLESS=1 writes what is said now; whoever commits it has read it.

use std::fs;
use std::path::Path;

use crate::scene::{Scene, put_small_image};
use crate::support::registry::{Auth, Fault, Match, Registry};
use crate::support::run::{Output, Run};

const COLUMNS: usize = 100;
const LINES: usize = 3;

/// Messages with the command that they came from.
#[derive(Default)]
struct Told(Vec<(String, String)>);

impl Told {
    /// Takes note of what a command said, without what is another at every run.
    fn add(&mut self, scene: &Scene, command: &str, out: &Output) {
        let directory = scene.bundle().parent().expect("a directory").display().to_string();
        let said = out.stderr.lines().filter(|line| line.starts_with("bundle: ") || line.starts_with("hint: "));
        let said: String = said.map(|line| format!("{line}\n")).collect();
        let said = said.replace(&scene.source.host(), "source.example:5000");
        let said = said.replace(&scene.target.host(), "target.example:5000").replace(&directory, "/data");
        let said = without_digests(&without_homes(&said));
        assert!(!said.is_empty(), "{command}: {}", out.all());
        self.0.push((command.to_owned(), said));
    }
}

/// Directories that are made for one run.
fn without_homes(text: &str) -> String {
    let mut parts = text.split("/tmp/.tmp");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + "/home" + part.get(6..).unwrap_or_default())
}

/// Digests, which follow from the ports of a run.
fn without_digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| said + "sha256:" + &"0".repeat(64) + part.get(64..).unwrap_or_default())
}

/// What a line takes, without what is to be pasted: that is as long as it is.
fn columns(line: &str) -> usize {
    line.split('`').step_by(2).map(|text| text.chars().count()).sum()
}

fn bundle() -> Run {
    Run::new(env!("CARGO_BIN_EXE_bundle")).env("BUNDLE_RETRY_DELAY", "1")
}

fn told() -> Vec<(String, String)> {
    let mut told = Told::default();
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let add = |told: &mut Told, command: &str, out: Output| told.add(&scene, command, &out);
    add(&mut told, "export of what is not there", scene.export(&["org/nothing:1"]).run().exits(4));
    add(&mut told, "export into no directory", bundle().args(["export", "x/y:1", "-o", "/nowhere/a.tar"]).run());
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::status(502));
    let export = scene.export(&["org/app:1"]).args(["--retries", "1"]);
    add(&mut told, "export behind a gateway", export.run().exits(1));
    scene.source.clear_faults();
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::status(429));
    let export = scene.export(&["org/app:1"]).args(["--retries", "0"]);
    add(&mut told, "export of too much", export.run().exits(1));
    scene.source.clear_faults();
    add(
        &mut told,
        "export that requires signatures",
        scene.export(&["org/app:1"]).args(["--referrers", "require"]).run(),
    );
    scene.export(&["org/app:1"]).run().succeeds();
    add(&mut told, "export over a file", scene.export(&["org/app:1"]).run().exits(2));
    add(&mut told, "list of nothing", bundle().args(["list", "/nowhere/a.tar"]).run().exits(2));
    let pin = format!("sha256:{}", "0".repeat(64));
    add(&mut told, "list of another bundle", scene.list().args(["--expect", &pin]).run().exits(3));
    for (status, code, message) in [
        (401, "UNAUTHORIZED", "project library not found"),
        (403, "DENIED", "requested access to the resource is denied"),
        (404, "NAME_UNKNOWN", "project library not found"),
        (403, "DENIED", "the project quota has been exceeded"),
        (413, "", ""),
    ] {
        scene.target.fault(Match::on("POST", "/uploads/"), Fault::error(status, code, message));
        add(&mut told, &format!("import, {status} {message}"), scene.import().run().exits(4));
        scene.target.clear_faults();
    }
    let import = scene.import().args(["--map", "gcr.io=x"]);
    add(&mut told, "import with a mapping for nothing", import.run().exits(2));
    let file = scene.bundle().display().to_string();
    let import = bundle().args(["import", &file, "--registry", "h.example", "--plain-http=gcr.io"]);
    add(&mut told, "import with http for nothing", import.run().exits(2));
    add(&mut told, "import to nowhere", bundle().args(["import", &file]).run().exits(2));
    add(
        &mut told,
        "import of standard input twice",
        bundle().args(["import", "-", "-", "--registry", "h.example"]).run(),
    );
    add(&mut told, "login with a scheme", bundle().args(["login", "https://h.example"]).run().exits(2));
    add(&mut told, "login of nobody", bundle().args(["login", "h.example"]).run().exits(2));
    add(&mut told, "an unknown flag", bundle().args(["import", "--regist", "x"]).run().exits(2));
    let mut told = told.0;
    let mut locked = Told::default();
    let scene = Scene::with(Registry::builder().auth(Auth::basic("user", "secret")), Registry::builder());
    put_small_image(&scene.source, "org/app", "1");
    locked.add(&scene, "export without credentials", &scene.export(&["org/app:1"]).run().exits(4));
    let wrong = scene.export(&["org/app:1"]).args(["--username", "user", "--password-stdin"]).stdin("wrong");
    locked.add(&scene, "export with a wrong password", &wrong.run().exits(4));
    told.append(&mut locked.0);
    told
}

#[test]
fn every_message_is_the_one_that_was_looked_at_and_fits_with_its_next_step() {
    let told = told();
    for (command, said) in &told {
        // Where places are listed that were looked in, or two digests, the line is as long as they are.
        let rows: usize = said.lines().map(|line| columns(line).div_ceil(COLUMNS)).sum();
        let listed = said.contains("looked in") || said.matches("sha256:").count() > 1;
        assert!(rows <= LINES + usize::from(listed) * 2, "{command}: {rows} lines:\n{said}");
        assert!(said.starts_with("bundle: ") && said.contains("\nhint: "), "{command}:\n{said}");
    }
    let now: String = told.iter().map(|(command, said)| format!("# {command}\n{said}\n")).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/messages.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &now).expect("the messages");
    }
    let looked_at = fs::read_to_string(&file).expect("the messages");
    assert_eq!(now, looked_at, "{}", file.display());
}
