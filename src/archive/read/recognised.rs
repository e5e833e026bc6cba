//! What a file is that is no layout, as far as that can be told: so that whoever brings one hears what
//! it is and what to type instead.

use std::path::Path;

use serde_json::Value;

use crate::archive::format::paths::{INDEX_JSON, OCI_LAYOUT};
use crate::error::{Error, NextStep, Result};

/// docker's list of images, or the manifest of one, in bytes.
pub(crate) const MAX_MANIFEST_JSON: u64 = 4 << 20;

/// Names that tell one archive from another, collected while its headers are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// A folder that has a layout in it.
    folder: Option<String>,
    /// Layers under the names that imgpkg gives.
    of_imgpkg: bool,
    /// skopeo's marker of a directory.
    version: bool,
    /// Config and layers under the names that crane gives.
    of_crane: bool,
    /// Folders of docker before version 25.
    of_docker: bool,
}

impl Seen {
    /// Takes note of an entry or file of this name.
    pub(crate) fn add(&mut self, name: &str) {
        if let Some(folder) = name.strip_suffix(OCI_LAYOUT.0).filter(|folder| folder.ends_with('/')) {
            self.folder.get_or_insert_with(|| folder.to_owned());
        }
        let hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        self.of_imgpkg |= name.strip_prefix("sha256-").is_some_and(|rest| rest.ends_with(".tar.gz"));
        self.of_crane |= name.strip_prefix("sha256:").is_some_and(hex);
        self.of_docker |= name == "repositories" || name.ends_with("/layer.tar");
        self.version |= name == "version";
    }
}

/// Refuses a file that begins as something else does.
///
/// # Errors
/// What it is.
pub(crate) fn by_first_bytes(path: &Path, start: &[u8]) -> Result<()> {
    let packed = |what: &str, with: &'static str| {
        let message = format!("{}: compressed with {what}, which is not read here", path.display());
        let next = NextStep::UnpackIntoPipe { with, path: path.into() };
        Err(Error::Usage { message, next: Some(next) })
    };
    match start {
        [0xfd, b'7', b'z', b'X', b'Z', ..] => packed("xz", "xz -dc"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => packed("bzip2", "bzip2 -dc"),
        [0x04, 0x22, 0x4d, 0x18, ..] => packed("lz4", "lz4 -dc"),
        [b'7', b'z', 0xbc, 0xaf, ..] => packed("7-Zip", "7z x -so"),
        [b'P', b'K', 3, 4, ..] => packed("zip", "unzip -p"),
        _ => Ok(()),
    }
}

/// The same for what was unpacked or lies there as it is; `start` are its first bytes.
///
/// # Errors
/// What it is.
pub(crate) fn by_text(start: &[u8]) -> Result<()> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|t| t.eq_ignore_ascii_case(with.as_bytes()));
    if begins("version https://git-lfs.") {
        let reason = "a pointer of git LFS, not the file itself";
        return Err(Error::content(reason).or_else_do(NextStep::PullLargeFile));
    }
    if ["<!doctype", "<html", "<head", "<?xml", "<!--"].into_iter().any(begins) {
        let what = if begins("<?xml") { "an XML document" } else { "an HTML page" };
        let reason = format!("{what}, not a bundle: what was saved is an error or a login page");
        return Err(Error::content(reason).or_else_do(NextStep::DownloadAgain));
    }
    if begins("{") || begins("[") {
        return Err(Error::content("a json document, not a bundle"));
    }
    Ok(())
}

/// What an archive or directory without a layout is. `list` is its `manifest.json`.
pub(crate) fn without_layout(seen: &Seen, list: Option<&[u8]>) -> Error {
    let missing = |name: &str| format!("no {name}: this is not an image layout");
    if let Some(folder) = &seen.folder {
        let reason = format!("the layout is not at the root but in `{}`", folder.escape_debug());
        return Error::content(reason).or_else_do(NextStep::PackFromInside { folder: folder.clone() });
    }
    let Some(list) = list else {
        return Error::content(missing(OCI_LAYOUT.0));
    };
    let document: Option<Value> = serde_json::from_slice(list).ok();
    let is_manifest = document.as_ref().is_some_and(|document| document.get("schemaVersion").is_some());
    if seen.of_imgpkg {
        return Error::content("a tar of imgpkg, not an image layout").or_else_do(NextStep::CopyWithImgpkg);
    }
    if is_manifest || (seen.version && !document.as_ref().is_some_and(Value::is_array)) {
        let reason = "a directory of skopeo (`dir:`), not an image layout: it names no image";
        return Error::content(reason).or_else_do(NextStep::CopyWithSkopeo);
    }
    docker_archive(seen, document.as_ref())
}

/// `docker save` before version 25, `podman save`, `crane pull`: configs and layers, and no manifests.
fn docker_archive(seen: &Seen, list: Option<&Value>) -> Error {
    let tags = list.and_then(Value::as_array).into_iter().flatten().filter_map(|image| image["RepoTags"].as_array());
    let name = tags.flatten().find_map(Value::as_str).unwrap_or("IMAGE").to_owned();
    let (reason, next) = if seen.of_crane {
        (
            "a docker archive that crane wrote: its manifest, and with it the digest, is not in it",
            NextStep::PullAsLayout,
        )
    } else if seen.of_docker {
        (
            "a docker archive without an image layout: it has no manifests, so its digests are gone for good",
            NextStep::SaveWithLaterDocker,
        )
    } else {
        (
            "a docker archive without an image layout, as podman, skopeo and others write it: it has no manifests, so \
its digests are gone for good",
            NextStep::SaveAsLayout,
        )
    };
    Error::content(reason).or_else_do(NextStep::ExportFromRegistry { name }).or_else_do(next)
}

/// A layout that has a name for nothing, and blobs all the same.
pub(crate) fn nothing_named(blobs: usize, was_docker: bool) -> Error {
    let count = match blobs {
        0 => "and it holds no blobs".to_owned(),
        1 => "1 blob is there that nothing names".to_owned(),
        n => format!("{n} blobs are there that nothing names"),
    };
    let who = if was_docker { " (docker writes that when it saves an image by its ID)" } else { "" };
    let error = Error::content(format!("nothing to import: {INDEX_JSON} names no image{who}; {count}"));
    if blobs == 0 { error } else { error.or_else_do(NextStep::NameLoneImage) }
}
