//! The log as a tree: appending to it, and proofs out of it, from tiles.
//!
//! Whatever is read from the caller's store is checked against the [`Head`] before anything is built on it: a tile that was lost, cut
//! or swapped is an error, never another tree. For stores that have to be asked and waited for, [`needed_to_append`],
//! [`needed_to_prove`] and [`needed_to_extend`] tell beforehand which tiles to fetch; a map of them is a [`Tiles`].

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use crate::{
    hash::Hash,
    leaf::Leaf,
    proof::{self, NotProven},
    tile::{Content, HEIGHT, Tile, WIDTH, read_entries, read_hashes, write_entry, write_hashes},
};

/// How many leaves a log has, and the root over them: all that is needed to recognise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Leaves.
    pub size: u64,
    /// The hash over all of them.
    pub root: Hash,
}

impl Head {
    /// That of a log without leaves.
    pub fn empty() -> Self {
        Self { size: 0, root: Hash::of_nothing() }
    }
}

/// Where tiles are kept.
pub trait Tiles {
    /// The bytes of a tile, if they are there. Those of a wider tile at the same place will do, as it begins with the same.
    fn tile(&self, tile: Tile) -> Option<Cow<'_, [u8]>>;
}

impl Tiles for BTreeMap<Tile, Vec<u8>> {
    fn tile(&self, tile: Tile) -> Option<Cow<'_, [u8]>> {
        self.get(&tile).or_else(|| self.get(&tile.full())).map(Cow::from)
    }
}

/// Why a tree can not be read or appended to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The store does not have it.
    #[error("{0} is not there")]
    Missing(Tile),
    /// It is shorter than its width says, or ends within a hash or a leaf.
    #[error("{0} is damaged")]
    Damaged(Tile),
    /// The tiles are well-formed, but another tree's.
    #[error("what the tiles hold is not the tree of this head")]
    NotOfHead,
    /// The proof asked for can not exist.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// More leaves than can be counted.
    #[error("the log is full")]
    Full,
}

/// What appending came to. Store all tiles before anything is signed: a checkpoint must never be ahead of its tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The tiles that are new, wider than before among them, at their paths.
    pub tiles: BTreeMap<Tile, Vec<u8>>,
    /// The log's head from now on.
    pub head: Head,
}

/// The tiles that [`append`] reads of a log with so many leaves: its right edge, at most one a level.
pub fn needed_to_append(size: u64) -> Vec<Tile> {
    let entries = right_edge(Content::Entries, size);
    (0..)
        .map_while(|level| {
            // Beyond the first level that is empty there is none.
            (level_size(level, size) > 0).then(|| right_edge(Content::Hashes(level), size))
        })
        .flatten()
        .chain(entries)
        .collect()
}

/// The tiles that [`prove`] reads.
pub fn needed_to_prove(index: u64, size: u64) -> Vec<Tile> {
    if index >= size {
        return Vec::new();
    }
    tiles_of(path(index, size).into_iter().chain(std::iter::once(index..index + 1)), size)
}

/// The tiles that [`prove_extension`] reads.
pub fn needed_to_extend(old_size: u64, size: u64) -> Vec<Tile> {
    tiles_of(extension(old_size, size), size)
}

/// The tiles that [`prove_since`] reads.
pub fn needed_since(old_size: u64, size: u64) -> Vec<Tile> {
    if old_size > size {
        return Vec::new();
    }
    tiles_of(std::iter::once(0..old_size).chain(extension(old_size, size)), size)
}

/// Adds leaves to a log. Nothing is changed by this; the log has grown once the tiles are stored and the head is kept.
pub fn append(tiles: &impl Tiles, head: Head, leaves: &[Leaf]) -> Result<Appended, TreeError> {
    let size = head.size.checked_add(leaves.len() as u64).ok_or(TreeError::Full)?;
    if (Reader { tiles, new: &BTreeMap::new(), size: head.size }).root()? != head.root {
        return Err(TreeError::NotOfHead);
    }
    let mut new = BTreeMap::new();
    append_entries(tiles, head.size, leaves, &mut new)?;
    let mut hashes: Vec<Hash> = leaves.iter().map(Leaf::hash).collect();
    for level in 0.. {
        if hashes.is_empty() {
            break;
        }
        hashes = append_hashes(tiles, level, head.size, &hashes, &mut new)?;
    }
    let root = Reader { tiles, new: &new, size }.root()?;
    Ok(Appended { tiles: new, head: Head { size, root } })
}

/// The hashes that prove a leaf to be in the tree, with the leaf's own hash. They have been checked.
pub fn prove(tiles: &impl Tiles, head: Head, index: u64) -> Result<(Hash, Vec<Hash>), TreeError> {
    if index >= head.size {
        return Err(NotProven::OutOfTree { index, size: head.size }.into());
    }
    let reader = Reader { tiles, new: &BTreeMap::new(), size: head.size };
    let leaf = reader.hash(index..index + 1)?;
    let hashes =
        path(index, head.size).into_iter().map(|range| reader.hash(range)).collect::<Result<Vec<_>, _>>()?;
    proof::included(head, index, leaf, &hashes).map_err(|_| TreeError::NotOfHead)?;
    Ok((leaf, hashes))
}

/// The hashes that prove the tree to begin with all of an older one. They have been checked.
pub fn prove_extension(tiles: &impl Tiles, old: Head, head: Head) -> Result<Vec<Hash>, TreeError> {
    if head.size < old.size {
        return Err(NotProven::Shrunk { old: old.size, new: head.size }.into());
    }
    let reader = Reader { tiles, new: &BTreeMap::new(), size: head.size };
    let ranges = extension(old.size, head.size).into_iter();
    let hashes = ranges.map(|range| reader.hash(range)).collect::<Result<Vec<_>, _>>()?;
    proof::extended(old, head, &hashes).map_err(|_| TreeError::NotOfHead)?;
    Ok(hashes)
}

/// The same for somebody who knows the tree of the first `old_size` leaves, whose root is worked out here.
pub fn prove_since(tiles: &impl Tiles, old_size: u64, head: Head) -> Result<Vec<Hash>, TreeError> {
    if head.size < old_size {
        return Err(NotProven::Shrunk { old: old_size, new: head.size }.into());
    }
    let reader = Reader { tiles, new: &BTreeMap::new(), size: head.size };
    let old = Head { size: old_size, root: reader.hash(0..old_size)? };
    prove_extension(tiles, old, head)
}

/// Hashes that a tile level has in a tree of so many leaves.
fn level_size(level: u8, size: u64) -> u64 {
    size.checked_shr(HEIGHT * u32::from(level)).unwrap_or(0)
}

/// The tile that is still growing, if there is one.
fn right_edge(content: Content, size: u64) -> Option<Tile> {
    let level = if let Content::Hashes(level) = content { level } else { 0 };
    Tile::of_tree(content, level_size(level, size) / WIDTH as u64, size)
}

/// Puts leaves into entry bundles, the one that was still growing first.
fn append_entries(
    tiles: &impl Tiles,
    size: u64,
    leaves: &[Leaf],
    new: &mut BTreeMap<Tile, Vec<u8>>,
) -> Result<(), TreeError> {
    let mut bytes = Vec::new();
    if let Some(edge) = right_edge(Content::Entries, size) {
        let stored = tiles.tile(edge).ok_or(TreeError::Missing(edge))?;
        let entries = read_entries(&stored).ok_or(TreeError::Damaged(edge))?;
        let entries = entries.get(..edge.width()).ok_or(TreeError::Damaged(edge))?;
        let hashes = Tile::of_tree(Content::Hashes(0), edge.index(), size).ok_or(TreeError::Damaged(edge))?;
        let same = hashes_of(tiles, hashes)?.into_iter().eq(entries.iter().map(|entry| Hash::of_leaf(entry)));
        if !same {
            return Err(TreeError::NotOfHead);
        }
        for entry in entries {
            write_entry(&mut bytes, entry);
        }
    }
    let mut size = size;
    for leaf in leaves {
        write_entry(&mut bytes, leaf.as_bytes());
        size += 1;
        if size.is_multiple_of(WIDTH as u64) {
            let full = Tile::of_tree(Content::Entries, size / WIDTH as u64 - 1, size);
            new.extend(full.map(|tile| (tile, std::mem::take(&mut bytes))));
        }
    }
    if !leaves.is_empty() {
        new.extend(right_edge(Content::Entries, size).map(|tile| (tile, bytes)));
    }
    Ok(())
}

/// Puts hashes into the tiles of a level, the one that was still growing first. What comes back are those of the level above: the
/// hashes of the tiles that became full.
fn append_hashes(
    tiles: &impl Tiles,
    level: u8,
    old_size: u64,
    hashes: &[Hash],
    new: &mut BTreeMap<Tile, Vec<u8>>,
) -> Result<Vec<Hash>, TreeError> {
    let content = Content::Hashes(level);
    let before = level_size(level, old_size);
    let mut row = right_edge(content, old_size).map_or(Ok(Vec::new()), |edge| hashes_of(tiles, edge))?;
    row.extend(hashes);
    // As many leaves as fill this level up to here: enough for each tile's width.
    let size = (before + hashes.len() as u64) << (HEIGHT * u32::from(level));
    let mut above = Vec::new();
    for (index, chunk) in (before / WIDTH as u64..).zip(row.chunks(WIDTH)) {
        new.extend(Tile::of_tree(content, index, size).map(|tile| (tile, write_hashes(chunk))));
        if chunk.len() == WIDTH {
            above.push(perfect(chunk));
        }
    }
    Ok(above)
}

fn hashes_of(tiles: &impl Tiles, tile: Tile) -> Result<Vec<Hash>, TreeError> {
    let bytes = tiles.tile(tile).ok_or(TreeError::Missing(tile))?;
    read_hashes(&bytes, tile.width()).ok_or(TreeError::Damaged(tile))
}

/// The hash over a power of two of hashes.
fn perfect(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::of_nothing(),
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Hash::of_node(perfect(left), perfect(right))
        }
    }
}

/// Reads a tree of a size out of tiles, the new ones first.
struct Reader<'a, T> {
    tiles: &'a T,
    new: &'a BTreeMap<Tile, Vec<u8>>,
    size: u64,
}

impl<T: Tiles> Reader<'_, T> {
    fn root(&self) -> Result<Hash, TreeError> {
        self.hash(0..self.size)
    }

    /// The hash over the leaves of a range that RFC 6962 gives one to.
    fn hash(&self, leaves: Range<u64>) -> Result<Hash, TreeError> {
        let mut parts = subtrees(leaves).into_iter().rev();
        let Some(last) = parts.next() else {
            return Ok(Hash::of_nothing());
        };
        parts.try_fold(self.subtree(last)?, |right, left| Ok(Hash::of_node(self.subtree(left)?, right)))
    }

    fn subtree(&self, subtree: Subtree) -> Result<Hash, TreeError> {
        // A subtree comes out of the size, so its tile is in the tree.
        let (tile, hashes) = subtree.place(self.size).ok_or(TreeError::NotOfHead)?;
        let row = if self.new.contains_key(&tile) {
            hashes_of(self.new, tile)?
        } else {
            hashes_of(self.tiles, tile)?
        };
        row.get(hashes).map(perfect).ok_or(TreeError::Damaged(tile))
    }
}

/// A full binary tree over leaves: those from `index << level` up to the next.
#[derive(Clone, Copy)]
struct Subtree {
    level: u32,
    index: u64,
}

impl Subtree {
    /// In which tile it is, and which of its hashes it is made of.
    fn place(self, size: u64) -> Option<(Tile, Range<usize>)> {
        let within = self.level % HEIGHT;
        let first = self.index << within;
        let content = Content::Hashes((self.level / HEIGHT) as u8);
        let tile = Tile::of_tree(content, first / WIDTH as u64, size)?;
        let start = (first % WIDTH as u64) as usize;
        Some((tile, start..start + (1 << within)))
    }
}

/// The full binary trees that a range of leaves consists of, from left to right.
fn subtrees(leaves: Range<u64>) -> Vec<Subtree> {
    let mut parts = Vec::new();
    let mut start = leaves.start;
    while start < leaves.end {
        let level = start.trailing_zeros().min((leaves.end - start).ilog2());
        parts.push(Subtree { level, index: start >> level });
        start += 1 << level;
    }
    parts
}

fn tiles_of(ranges: impl IntoIterator<Item = Range<u64>>, size: u64) -> Vec<Tile> {
    let parts = ranges.into_iter().flat_map(subtrees);
    let tiles: BTreeSet<Tile> = parts.filter_map(|part| Some(part.place(size)?.0)).collect();
    tiles.into_iter().collect()
}

/// Where a range of more than one leaf is split: at the largest power of two below its length.
fn middle(leaves: &Range<u64>) -> u64 {
    leaves.start + (1 << (leaves.end - leaves.start - 1).ilog2())
}

/// The ranges whose hashes prove a leaf, from its sibling up (RFC 6962, section 2.1.1).
fn path(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut at = 0..size;
    while at.end - at.start > 1 {
        let middle = middle(&at);
        let (inside, beside) = if index < middle {
            (at.start..middle, middle..at.end)
        } else {
            (middle..at.end, at.start..middle)
        };
        ranges.push(beside);
        at = inside;
    }
    ranges.reverse();
    ranges
}

/// The ranges whose hashes prove that one tree begins with another (RFC 6962, section 2.1.2).
fn extension(old_size: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if old_size == 0 || old_size >= size {
        return ranges;
    }
    let mut at = 0..size;
    while at.end != old_size {
        let middle = middle(&at);
        let (inside, beside) = if old_size <= middle {
            (at.start..middle, middle..at.end)
        } else {
            (middle..at.end, at.start..middle)
        };
        ranges.push(beside);
        at = inside;
    }
    // What is left is all of the old tree only if nothing was left of it: then the verifier has that root.
    if at.start > 0 {
        ranges.push(at);
    }
    ranges.reverse();
    ranges
}
