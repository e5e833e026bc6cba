//! A bundle is canonical or it is no bundle: the file that its contents must have is worked out, and
//! compared with what is there (`docs/format.md`, "The bundle format").

use std::collections::HashSet;

use super::bundle::{Body, Bundle};
use super::cut_blobs::sum_of;
use super::layout_directory::LayoutDirectory;
use super::tarball::{Known, Tarball};
use crate::archive::format::bundle_json::{MAX_BUNDLE_JSON, Volume};
use crate::archive::format::entries::{Entry, entries};
use crate::archive::format::index_json::MAX_INDEX;
use crate::archive::format::left_out::Absent;
use crate::archive::format::paths::{BUNDLE_JSON, blob_path};
use crate::archive::format::table::Volumes;
use crate::archive::format::volumes::divided;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Digest, Role};
use crate::store::{Contents, Node, Presence, Reason, Root, RootName};

impl Bundle {
    /// That this is the bundle which these contents, found by walking it, are. Layouts of other tools
    /// pass, and so does content that is missing: that is another fault than a wrong form.
    ///
    /// # Errors
    /// Where the first difference is.
    pub(crate) fn check_form(&self, contents: &Contents) -> Result<()> {
        let absent = self.bundle_json().into_iter().flat_map(|about| &about.absent);
        for Absent { digest, reason, .. } in absent {
            let is_meant = |node: &Node| node.is_manifest() && reason != Reason::Platform.as_str();
            if contents.node(digest).is_some_and(is_meant) {
                let reason = format!("{BUNDLE_JSON} leaves out {digest} ({}), a manifest", reason.escape_debug());
                return Err(Error::content(reason));
            }
        }
        // What a damaged manifest would lead to nobody knows, so nobody knows the form.
        let is_unknown = |node: &Node| node.is_manifest() && node.manifest.is_none() && !node.is_of_other_platform();
        let unknown = contents.nodes.iter().any(is_unknown);
        if self.bundle_json().is_none() || unknown {
            return Ok(());
        }
        check_roots(contents)?;
        check_platforms(contents)?;
        contents.check_depth()?;
        let cut = self.cut(contents)?;
        let (expected, _) = entries(contents, cut.as_ref().map(|(volumes, number)| (volumes, *number)))?;
        for entry in &expected {
            if let Entry::Root(name, bytes) = entry
                && self.body().root_file(name, MAX_BUNDLE_JSON.max(MAX_INDEX))?.as_ref() != Some(bytes)
            {
                return Err(Error::content(format!("{name} is not what these images ask for: it was changed")));
            }
        }
        let missing = |digest: &Digest| contents.node(digest).is_some_and(|n| n.presence == Presence::Missing);
        match self.body() {
            Body::Tar(tar) => same_order(tar, &expected, &missing),
            Body::Directory(directory) => same_files(directory, &expected, &missing),
            // It has no `bundle.json`.
            Body::Dump(_) => Ok(()),
        }
    }

    /// How a bundle of these contents is divided, and which volume this is; nothing where it is all of it.
    fn cut(&self, contents: &Contents) -> Result<Option<(Volumes, u32)>> {
        let Some(&Volume { count, number, size: Some(size) }) = self.bundle_json().map(|about| &about.volume) else {
            return Ok(None);
        };
        let other = |what: &str| Error::content(format!("{BUNDLE_JSON} is not what these images ask for: {what}"));
        let volumes = divided(contents, size)?.ok_or_else(|| other("no volumes of this size hold them"))?;
        if volumes.count != count {
            return Err(other(&format!("they make {} volumes of this size, not {count}", volumes.count)));
        }
        Ok(Some((volumes, number)))
    }
}

/// That everything here belongs to a name: roots without one refer to what is below those with one.
fn check_roots(contents: &Contents) -> Result<()> {
    let is_named = |root: &&Root| root.name != RootName::None;
    if !contents.roots.iter().any(|root| is_named(&root)) {
        return Err(Error::content("index.json names no image"));
    }
    match contents.roots.iter().find(|root| !is_named(root) && !contents.is_referrer(root)) {
        Some(root) => {
            let reason = format!("{}: it has no name, and refers to nothing in this bundle", root.digest);
            Err(Error::content(reason).at("index.json"))
        }
        None => Ok(()),
    }
}

/// That of what is said to be of other platforms nothing is needed for another reason, and some of each image is left.
fn check_platforms(contents: &Contents) -> Result<()> {
    if !contents.nodes.iter().any(Node::is_of_other_platform) {
        return Ok(());
    }
    let needed = contents.manifests().flat_map(|(_, manifest)| manifest.successors());
    let mut needed: HashSet<&Digest> =
        needed.filter(|s| s.role != Role::Manifest).map(|s| &s.descriptor.digest).collect();
    needed.extend(contents.roots.iter().map(|root| &root.digest));
    let others = contents.nodes.iter().filter(|node| node.is_of_other_platform());
    if let Some(node) = others.map(|node| &node.descriptor.digest).find(|digest| needed.contains(digest)) {
        return Err(Error::content(format!("{node} is left out for its platform, and is needed all the same")));
    }
    for root in &contents.roots {
        let closure = contents.closure(&root.digest);
        let is_gone = |node: &Node| match node.presence {
            Presence::Carried => false,
            Presence::LeftOut(reason) => reason.is_for_good(),
            Presence::Missing => true,
        };
        let is_kept = |node: &&Node| !is_gone(node) && !node.media_type().is_index();
        if closure.iter().any(|node| node.is_of_other_platform()) && !closure.iter().any(is_kept) {
            return Err(Error::content("all of its platforms are left out").at(root.label()));
        }
    }
    Ok(())
}

fn same_order(tar: &Tarball, expected: &[Entry<'_>], missing: &dyn Fn(&Digest) -> bool) -> Result<()> {
    if !tar.is_ours() {
        return Err(Error::content("a header was changed or damaged, or the file was packed anew"));
    }
    if tar.bytes() > tar.end() {
        let reason = format!("{} bytes of zeros follow its end: it was padded", tar.bytes() - tar.end());
        return Err(Error::content(reason).or_else_do(NextStep::CutPadding { bytes: tar.end() }));
    }
    if tar.bytes() < tar.end() {
        let reason = format!("it has {} bytes and should have {}: it was cut", tar.bytes(), tar.end());
        return Err(Error::content(reason).or_else_do(NextStep::CopyAgain));
    }
    let mut found = tar.order().iter();
    let path = |known: &Known| match known {
        Known::Blob(digest) => blob_path(digest),
        Known::Other(path) => path.to_string(),
    };
    for entry in expected {
        if let Entry::Blob(descriptor) = entry
            && missing(&descriptor.digest)
        {
            continue;
        }
        let expected = entry.path();
        match found.next() {
            Some((known, _)) if path(known) == expected => same_part(tar, entry)?,
            Some((known, at)) => {
                let (found, at) = (path(known), at.saturating_sub(512));
                return Err(Error::content(format!("byte {at}: `{found}` stands where `{expected}` belongs")));
            }
            None => return Err(Error::content(format!("it ends where `{expected}` belongs"))),
        }
    }
    match found.next() {
        Some((known, at)) => {
            let (found, at) = (path(known), at.saturating_sub(512));
            Err(Error::content(format!("byte {at}: `{found}` belongs to no image of this bundle")))
        }
        None => Ok(()),
    }
}

/// That a part is as long as it must be, and its checksum is one.
fn same_part(tar: &Tarball, entry: &Entry<'_>) -> Result<()> {
    let is_right = match entry {
        Entry::Part(Descriptor { digest, .. }, part) => {
            tar.part(digest, part.number, false).is_some_and(|(_, size)| size == part.bytes)
        }
        Entry::Delta(Descriptor { digest, .. }, delta) => tar.delta(digest).is_some_and(|(_, size)| size == delta.size),
        Entry::Sum(Descriptor { digest, .. }, part) => sum_of(tar, digest, *part)?.is_some(),
        _ => true,
    };
    if is_right { Ok(()) } else { Err(Error::content(format!("`{}` is not what belongs there", entry.path()))) }
}

fn same_files(directory: &LayoutDirectory, expected: &[Entry<'_>], missing: &dyn Fn(&Digest) -> bool) -> Result<()> {
    let wanted: HashSet<&Digest> = expected
        .iter()
        .filter_map(|entry| match entry {
            Entry::Manifest(manifest) => Some(manifest.digest()),
            Entry::Blob(descriptor) => Some(&descriptor.digest),
            _ => None,
        })
        .collect();
    if let Some(absent) = wanted.iter().find(|digest| directory.size_of(digest).is_none() && !missing(digest)) {
        return Err(Error::content(format!("`{}` is not there", blob_path(absent))));
    }
    for entry in expected {
        if let Entry::Delta(layer, delta) = entry
            && directory.delta(&layer.digest)?.map(|(_, size)| size) != Some(delta.size)
        {
            return Err(Error::content(format!("`{}` is not there, or not as long as it should be", entry.path())));
        }
    }
    let unknown = directory.blobs().find(|digest| !wanted.contains(digest)).map(blob_path);
    match unknown.or_else(|| directory.other().map(|path| path.display().to_string())) {
        Some(other) => Err(Error::content(format!("`{other}` belongs to no image of this bundle"))),
        None => Ok(()),
    }
}
