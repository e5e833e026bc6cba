//! `make demo`: images travel from one registry to another in a file, and nothing changes on the way.
//!
//! Two registries run in this process, on loopback. The program itself is the real one: its path is
//! the first argument.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde_json::Value;

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "this needs a part of it")]
mod support;

use support::registry::{Registry, Seeded, digest_like};

const WIDTH: usize = 80;

fn main() -> ExitCode {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/bundle");
    let program = std::env::args_os().nth(1).map_or(default, PathBuf::from);
    let program = match program.canonicalize() {
        Ok(program) => program,
        Err(error) => {
            eprintln!("demo: {}: {error}", program.display());
            return ExitCode::from(2);
        }
    };
    match demo(&program) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("\ndemo: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every manifest arrived as it was.
fn demo(program: &Path) -> Result<bool, String> {
    let (source, target) = (Registry::start(), Registry::start());
    let images = source.seed_layout(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/images"));
    say("two registries on this machine, no network:");
    say(&format!("  source  {}  {} images", source.host(), images.len()));
    say(&format!("  target  {}  empty", target.host()));

    let stage = Stage { program, dir: tempfile::tempdir().map_err(|error| error.to_string())? };
    let mut export = vec!["export".to_owned()];
    export.extend(images.iter().map(|image| format!("{}/{}:{}", source.host(), image.repository, image.tag)));
    export.extend(["-o", "images.tar", "--plain-http"].map(Into::into));
    stage.run(&export)?;
    stage.run(&["verify", "images.tar"].map(Into::into))?;
    stage.run(&["list", "images.tar"].map(Into::into))?;
    stage.run(&["import", "images.tar", "--registry", &target.host(), "--plain-http"].map(Into::into))?;

    say("");
    say("every manifest, fetched from both registries and compared byte by byte:");
    say("");
    row("image", "manifest", "at source", "at target", "equal");
    say(&"─".repeat(WIDTH));
    let (mut count, mut differ) = (0, 0);
    for image in &images {
        for (n, part) in parts(&source, image).iter().enumerate() {
            let reference = if n == 0 { &image.tag } else { &part.digest };
            let there = fetch(&source, &image.repository, reference);
            let here = fetch(&target, &format!("library/{}", image.repository), reference);
            let equal = there.is_some() && there == here;
            let name = if n == 0 { format!("{}:{}", image.repository, image.tag) } else { String::new() };
            row(&name, &part.kind, &short(&there), &short(&here), if equal { "yes" } else { "NO" });
            count += 1;
            differ += usize::from(!equal);
        }
    }
    say(&"─".repeat(WIDTH));
    match differ {
        0 => say(&format!("{count} manifests of {} images: all the same, byte for byte", images.len())),
        _ => say(&format!("{differ} of {count} manifests differ")),
    }
    Ok(differ == 0)
}

/// Where the commands run.
struct Stage<'a> {
    program: &'a Path,
    dir: tempfile::TempDir,
}

impl Stage<'_> {
    /// Shows a command and runs it; what it says is seen as it comes.
    fn run(&self, args: &[String]) -> Result<(), String> {
        say("");
        say(&shown(args));
        let mut command = Command::new(self.program);
        command.args(args).current_dir(self.dir.path()).env_clear();
        for name in ["PATH", "TERM", "COLUMNS", "LANG", "LC_ALL", "NO_COLOR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        for name in ["HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "TMPDIR"] {
            command.env(name, self.dir.path());
        }
        let status = command.status().map_err(|error| format!("{}: {error}", self.program.display()))?;
        if status.success() { Ok(()) } else { Err(format!("`bundle {}` failed: {status}", args[0])) }
    }
}

/// The command as one would type it, broken where it would be too long.
fn shown(args: &[String]) -> String {
    let one_line = format!("$ bundle {}", args.join(" "));
    if one_line.chars().count() <= WIDTH {
        return one_line;
    }
    let (mut text, mut column) = (String::from("$ bundle"), 8);
    for arg in args {
        if column > 10 && column + arg.len() + 3 > WIDTH || arg.starts_with("127.") {
            text.push_str(" \\\n   ");
            column = 3;
        }
        let _ = write!(text, " {arg}");
        column += arg.len() + 1;
    }
    text
}

/// A manifest of an image, and what it is for.
struct Part {
    digest: String,
    kind: String,
}

/// An image's manifest and all manifests below it, in the order in which they stand there.
fn parts(registry: &Registry, image: &Seeded) -> Vec<Part> {
    let mut parts = Vec::new();
    collect(registry, &image.repository, &image.digest, "", &mut parts);
    parts
}

fn collect(registry: &Registry, repo: &str, digest: &str, platform: &str, parts: &mut Vec<Part>) {
    let (_, bytes) = registry.manifest(repo, digest).expect("a manifest that was seeded");
    let document: Value = serde_json::from_slice(&bytes).expect("a manifest is JSON");
    let children = document["manifests"].as_array();
    let kind = match (platform, children) {
        ("", Some(_)) if !parts.is_empty() => "nested index",
        ("", Some(_)) => "index",
        ("", None) => "manifest",
        (platform, _) => platform,
    };
    parts.push(Part { digest: digest.into(), kind: kind.into() });
    for child in children.into_iter().flatten() {
        let digest = child["digest"].as_str().expect("a digest");
        collect(registry, repo, digest, &platform_of(child), parts);
    }
}

fn platform_of(descriptor: &Value) -> String {
    if descriptor["annotations"]["vnd.docker.reference.type"] == "attestation-manifest" {
        return "attestation".into();
    }
    let platform = &descriptor["platform"];
    let keys = ["os", "architecture", "variant"].map(|key| platform[key].as_str());
    keys.into_iter().flatten().collect::<Vec<_>>().join("/")
}

/// Media type and bytes of a manifest, as any client gets them; nothing where it is not there.
fn fetch(registry: &Registry, repo: &str, reference: &str) -> Option<(String, Vec<u8>)> {
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let mut response = agent.get(format!("{}/v2/{repo}/manifests/{reference}", registry.url())).call().ok()?;
    let media_type = response.headers().get("Content-Type")?.to_str().ok()?.to_owned();
    Some((media_type, response.body_mut().read_to_vec().ok()?))
}

fn short(fetched: &Option<(String, Vec<u8>)>) -> String {
    match fetched {
        Some((_, bytes)) => digest_like("sha256:", bytes)["sha256:".len()..][..12].to_owned(),
        None => "absent".into(),
    }
}

fn row(image: &str, kind: &str, source: &str, target: &str, equal: &str) {
    say(format!("{image:30}  {kind:13}  {source:12}  {target:12}  {equal}").trim_end());
}

/// One line, at once: what the commands say comes in between.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
