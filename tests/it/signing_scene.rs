//! A drive with signed bundles, and keys that openssl made.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::scene::{command, fixtures};
use crate::support::registry::Registry;
use crate::support::run::{Output, Run};

/// Of the encrypted keys among the fixtures.
pub(crate) const PASSWORD: &str = "correct horse";

/// A drive; all that is done stands in it, so names on the command line are short.
pub(crate) struct Drive(TempDir);

impl Drive {
    /// With `images.tar` and `other.tar`, both signed with `ed25519.pem`, and the keys.
    pub(crate) fn new() -> Self {
        let drive = Self::of_keys();
        let images = fixtures().join("images").display().to_string();
        drive.run("pack", &[&images, "-o", "images.tar"]).succeeds();
        drive.run("pack", &["images.tar", "--only", "*pause*", "-o", "other.tar"]).succeeds();
        drive.run("sign", &["images.tar", "--key", "ed25519.pem"]).succeeds();
        drive.run("sign", &["other.tar", "--key", "ed25519.pem"]).succeeds();
        drive
    }

    /// With the keys alone.
    pub(crate) fn of_keys() -> Self {
        let drive = Self(tempfile::tempdir().expect("a directory"));
        for entry in fs::read_dir(fixtures().join("signatures")).expect("fixtures") {
            let from = entry.expect("an entry").path();
            let name = from.file_name().expect("a name").to_owned();
            let is_key = from.extension().is_some_and(|ending| ending == "pem" || ending == "pub");
            if is_key {
                fs::copy(&from, drive.path(&name)).expect("a copy");
                fs::set_permissions(drive.path(&name), fs::Permissions::from_mode(0o600)).expect("a mode");
            }
        }
        drive
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file")
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("a file");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("a file");
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("a file");
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }

    /// Changes some bytes of a file to others of one length, wherever they are.
    pub(crate) fn replace(&self, name: &str, from: &[u8], to: &[u8]) {
        assert_eq!(from.len(), to.len());
        let mut bytes = self.read(name);
        let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
        assert!(!places.is_empty(), "{} is not in {name}", String::from_utf8_lossy(from));
        places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
        self.write(name, bytes);
    }

    /// `index.json` of a bundle, as `tar -xO` gives it.
    pub(crate) fn index_json(&self, name: &str) -> Vec<u8> {
        let mut archive = tar::Archive::new(fs::File::open(self.path(name)).expect("a file"));
        let mut entries = archive.entries().expect("a tar").map(|entry| entry.expect("an entry"));
        let mut index = entries.find(|entry| entry.path_bytes().as_ref() == b"index.json").expect("an index.json");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut index, &mut bytes).expect("its bytes");
        bytes
    }

    pub(crate) fn command(&self, verb: &str, args: &[&str]) -> Run {
        command(verb).args(args).dir(self.0.path())
    }

    pub(crate) fn run(&self, verb: &str, args: &[&str]) -> Output {
        self.command(verb, args).run()
    }

    /// `import` of these arguments into a registry.
    pub(crate) fn import(&self, registry: &Registry, args: &[&str]) -> Run {
        self.command("import", args).args(["--plain-http", "--registry", &registry.host()])
    }
}
