//! Which blob stands in which volume (`docs/format.md`, "Volumes"): a pure function of the contents and of
//! the length that a volume may have.

use super::bundle_json::{BundleJson, Volume};
use super::entries::head_len;
use super::header::{self, BLOCK, END};
use super::layout::Layout;
use super::left_out;
use super::paths::{blob_path, part_path};
use super::rooms::{MOST_VOLUMES, Rooms};
use super::table::{Cut, Part, Stands, Table, Volumes, pieces};
use crate::error::{Error, Result, VolumeStep, size};
use crate::oci::Digest;
use crate::store::{Contents, Node, Root};

/// A volume has room for so much besides its head, in bytes: with less, next to all of it would be heads.
const LEAST_ROOM: u64 = 4 << 10;
/// Tries to find the length of the longest head, which grows by what it has to say.
const MOST_ROUNDS: usize = 50;

/// Divides a bundle of these contents into volumes of at most `size` bytes.
///
/// # Errors
/// When no volume of that length would hold more than what each of them repeats, or there would be too many; with a
/// length that is enough.
pub(crate) fn divide(contents: &Contents, size: u64) -> Result<Volumes> {
    match divided(contents, size)? {
        Some(volumes) => Ok(volumes),
        None => Err(too_small(size, &Fixed::of(contents)?)?),
    }
}

/// The same, and nothing where that cannot be.
///
/// # Errors
/// When a root has no manifest.
pub(crate) fn divided(contents: &Contents, size: u64) -> Result<Option<Volumes>> {
    if Layout::new(contents)?.bytes() <= size {
        return Ok(Some(Volumes { size, count: 1, table: Table::new() }));
    }
    Fixed::of(contents)?.divided(size)
}

fn too_small(asked: u64, fixed: &Fixed<'_>) -> Result<Error> {
    // The first that is enough, on a way that gets there soon.
    let mut enough = asked.max(fixed.least()?);
    while fixed.divided(enough)?.is_none() {
        enough = enough.saturating_add(enough / 8).next_multiple_of(BLOCK);
    }
    let repeated = fixed.head(1, 1, fixed.all_in_one())?;
    let message = format!(
        "volumes of {asked} bytes are too small: each of them repeats {} of manifests and lists, and there can be \
{MOST_VOLUMES}; {enough} bytes are enough",
        size(repeated)
    );
    Ok(Error::Usage { message, next: Some(VolumeStep::Larger { bytes: enough }.into()) })
}

/// What does not depend on the division.
struct Fixed<'a> {
    contents: &'a Contents,
    /// By root, the blobs that it leads to, in order.
    roots: Vec<Vec<&'a Node>>,
    index: Digest,
    absent: Vec<left_out::Absent>,
    /// The head but for `bundle.json`, in bytes.
    rest: u64,
}

impl<'a> Fixed<'a> {
    fn of(contents: &'a Contents) -> Result<Self> {
        let (index, rest) = head_len(contents)?;
        let below = |root: &Root| {
            let nodes = contents.closure(&root.digest).into_iter();
            contents.in_order(nodes.filter(|node| !node.is_manifest() && node.is_in_bundle()).collect())
        };
        let roots = contents.roots.iter().map(below).collect();
        Ok(Self { contents, roots, index, absent: left_out::absent(contents), rest })
    }

    fn all_in_one(&self) -> Table {
        let pieces = pieces(self.contents, None).into_iter();
        pieces.map(|piece| (piece.node.descriptor.digest.clone(), Stands::Whole(1))).collect()
    }

    /// The length of the head of the last of so many volumes, which is no shorter than that of another.
    fn head(&self, count: u32, size: u64, table: Table) -> Result<u64> {
        let volume = Volume { count, number: count, size: Some(size) };
        let about = BundleJson { table, volume, ..BundleJson::new(self.index.clone(), self.absent.clone()) };
        let len = about.to_bytes()?.len() as u64;
        Ok(self.rest + BLOCK + len + header::padding(len))
    }

    fn least(&self) -> Result<u64> {
        Ok(self.head(1, 1, self.all_in_one())? + LEAST_ROOM + END)
    }

    /// The volumes, where such are possible.
    fn divided(&self, size: u64) -> Result<Option<Volumes>> {
        let mut head = self.head(1, size, self.all_in_one())?;
        for _ in 0..MOST_ROUNDS {
            let room = size.saturating_sub(head + END) / BLOCK * BLOCK;
            if room < LEAST_ROOM {
                return Ok(None);
            }
            let Some((count, table)) = assign(&self.roots, room) else { return Ok(None) };
            let longest = self.head(count, size, table.clone())?;
            if longest <= head {
                return Ok(Some(Volumes { size, count, table }));
            }
            head = longest;
        }
        Ok(None)
    }
}

/// Gives each blob its volume: image by image, so that what belongs together stays so where it can. `None` if there
/// would be too many.
fn assign(roots: &[Vec<&Node>], room: u64) -> Option<(u32, Table)> {
    let mut filling = Filling { rooms: Rooms::new(room), table: Table::new(), room };
    for below in roots {
        let mut near: Vec<u32> = Vec::new();
        let mut new: Vec<&Node> = Vec::new();
        for node in below {
            match filling.table.get(&node.descriptor.digest) {
                Some(there) => near.extend(there.volumes()),
                None => new.push(node),
            }
        }
        near.sort_unstable();
        near.dedup();
        filling.place(&new, &near)?;
    }
    Some((filling.rooms.count(), filling.table))
}

struct Filling {
    rooms: Rooms,
    table: Table,
    room: u64,
}

impl Filling {
    /// Places the new blobs of one root, of which the volumes `near` hold others.
    fn place(&mut self, new: &[&Node], near: &[u32]) -> Option<()> {
        let cost = |node: &Node| header::cost(&blob_path(&node.descriptor.digest), node.descriptor.size);
        let all = new.iter().fold(0, |sum: u64, node| sum.saturating_add(cost(node)));
        if new.is_empty() {
            return Some(());
        }
        if all <= self.room {
            let number = self.rooms.take(all, near)?;
            let whole = |node: &&Node| (node.descriptor.digest.clone(), Stands::Whole(number));
            self.table.extend(new.iter().map(whole));
            return Some(());
        }
        for node in new {
            let cost = cost(node);
            let stands = if cost <= self.room {
                Stands::Whole(self.rooms.take(cost, near)?)
            } else {
                Stands::Cut(self.cut(node)?)
            };
            self.table.insert(node.descriptor.digest.clone(), stands);
        }
        Some(())
    }

    /// Cuts a blob over new volumes, which it fills but for the last.
    fn cut(&mut self, node: &Node) -> Option<Cut> {
        let digest = &node.descriptor.digest;
        let around = header::len_of_file(&part_path(digest, 1)) + Part { number: 1, from: 0, bytes: 0 }.sum_len(digest);
        let bytes = self.room - around;
        let mut volumes = Vec::new();
        let mut left = node.descriptor.size;
        while left > 0 {
            let part = left.min(bytes);
            volumes.push(self.rooms.take_new(part + header::padding(part) + around)?);
            left -= part;
        }
        Some(Cut { bytes, volumes })
    }
}
