//! How the tree is laid out: tiles of up to 256 hashes, one set for each eighth level, and entry bundles of up to 256 leaves
//! (C2SP `tlog-tiles`). A full tile never changes; a partial one has its width in its path, so that does not change either.

use std::{fmt, str::FromStr};

use crate::hash::Hash;

/// Hashes of a full tile, and leaves of a full entry bundle.
pub const WIDTH: usize = 256;

/// Levels of the tree that one tile spans.
pub(crate) const HEIGHT: u32 = WIDTH.ilog2();

/// What is in a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Hashes of this tile level: of leaves at 0, of full tiles of the level below from 1 on.
    Hashes(u8),
    /// Leaves, each after its length.
    Entries,
}

/// Which tile: its content, its place among those, and its width. It shows as its path, `tile/<L>/<N>[.p/<W>]` or
/// `tile/entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    content: Content,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile at this place in a tree with so many leaves, as wide as it is there; none if nothing of it is.
    pub fn of_tree(content: Content, index: u64, size: u64) -> Option<Self> {
        let level = match content {
            Content::Hashes(level) => level,
            Content::Entries => 0,
        };
        let hashes = size.checked_shr(HEIGHT * u32::from(level)).unwrap_or(0);
        let width = hashes.saturating_sub(index.checked_mul(WIDTH as u64)?).min(WIDTH as u64) as u16;
        (width > 0).then_some(Self { content, index, width })
    }

    /// What is in it.
    pub fn content(self) -> Content {
        self.content
    }

    /// Its place among those of its content.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many hashes or leaves are in it, 1..=256.
    pub fn width(self) -> usize {
        usize::from(self.width)
    }

    /// Whether nothing will be added to it.
    pub fn is_full(self) -> bool {
        self.width() == WIDTH
    }

    /// The tile at the same place when it is full, which may be there instead of a partial one.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: WIDTH as u16, ..self }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Hashes(level) => write!(f, "tile/{level}/")?,
            Content::Entries => f.write_str("tile/entries/")?,
        }
        let mut above = Vec::new();
        let mut rest = self.index / 1000;
        while rest > 0 {
            above.push(rest % 1000);
            rest /= 1000;
        }
        for part in above.iter().rev() {
            write!(f, "x{part:03}/")?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// A path that is no tile's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tile's path is tile/<level>/<index>[.p/<width>] or tile/entries/<index>[.p/<width>]")]
pub struct InvalidPath;

impl FromStr for Tile {
    type Err = InvalidPath;

    fn from_str(path: &str) -> Result<Self, InvalidPath> {
        let tile = read_path(path).ok_or(InvalidPath)?;
        // Other spellings of the same numbers would give one tile many addresses.
        (tile.to_string() == path).then_some(tile).ok_or(InvalidPath)
    }
}

fn read_path(path: &str) -> Option<Tile> {
    const HIGHEST_LEVEL: u8 = 63;
    let (content, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let content = match content {
        "entries" => Content::Entries,
        level => Content::Hashes(level.parse().ok().filter(|level| *level <= HIGHEST_LEVEL)?),
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => {
            (index, width.parse().ok().filter(|width| (1..WIDTH as u16).contains(width))?)
        }
        None => (rest, WIDTH as u16),
    };
    let index = index.split('/').try_fold(0_u64, |sum, part| {
        let part: u64 = part.strip_prefix('x').unwrap_or(part).parse().ok()?;
        sum.checked_mul(1000)?.checked_add(part)
    })?;
    Some(Tile { content, index, width })
}

/// The hashes of a tile, if its bytes are at least as many as it is wide. More are those of a wider one at the same place, which
/// begins with the same.
pub(crate) fn read_hashes(bytes: &[u8], width: usize) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<{ Hash::LENGTH }>();
    if !rest.is_empty() {
        return None;
    }
    Some(hashes.get(..width)?.iter().map(|bytes| Hash::from(*bytes)).collect())
}

pub(crate) fn write_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The leaves of an entry bundle in order, or none if the bytes are not one.
pub fn read_entries(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        bytes = rest;
    }
    bytes.is_empty().then_some(entries)
}

/// Adds a leaf to an entry bundle. Its length has been seen to fit when it became a [`Leaf`](crate::Leaf).
pub(crate) fn write_entry(bytes: &mut Vec<u8>, entry: &[u8]) {
    bytes.extend((entry.len() as u16).to_be_bytes());
    bytes.extend(entry);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tile(content: Content, index: u64, width: u16) -> Tile {
        Tile { content, index, width }
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (tile, path) in [
            (tile(Content::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067"),
            (tile(Content::Hashes(0), 1_234_067, 1), "tile/0/x001/x234/067.p/1"),
            (tile(Content::Entries, 1_234_067, 8), "tile/entries/x001/x234/067.p/8"),
            (tile(Content::Hashes(0), 0, 256), "tile/0/000"),
            (tile(Content::Hashes(63), 999, 255), "tile/63/999.p/255"),
            (tile(Content::Entries, 1000, 256), "tile/entries/x001/000"),
            (tile(Content::Hashes(1), u64::MAX, 256), "tile/1/x018/x446/x744/x073/x709/x551/615"),
        ] {
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
    }

    #[test]
    fn a_path_of_another_form_is_refused() {
        for path in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/64/000",
            "tile/00/000",
            "tile/+1/000",
            "tile/-1/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/0/001/234",
            "tile/0/x001/x234",
            "tile/0/x1/234",
            "tile/0/+01",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/+1",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x001/x018/x446/x744/x073/x709/x551/615",
            "tile/entry/000",
            "tile/Entries/000",
            "tile/8/../000",
        ] {
            assert_eq!(path.parse::<Tile>(), Err(InvalidPath), "{path}");
        }
    }

    #[test]
    fn a_tree_of_70_000_leaves_has_the_tiles_that_the_specification_counts() {
        let widths = |level, size| {
            (0..).map_while(move |index| Tile::of_tree(Content::Hashes(level), index, size)).map(Tile::width)
        };
        let level_0: Vec<_> = widths(0, 70_000).collect();
        assert_eq!(level_0.iter().filter(|width| **width == 256).count(), 273);
        assert_eq!((level_0.len(), level_0[273]), (274, 112));
        assert_eq!(widths(1, 70_000).collect::<Vec<_>>(), [256, 17]);
        assert_eq!(widths(2, 70_000).collect::<Vec<_>>(), [1]);
        assert_eq!(widths(3, 70_000).count(), 0);
        assert_eq!(
            (widths(0, 256).collect::<Vec<_>>(), widths(1, 256).collect::<Vec<_>>()),
            (vec![256], vec![1])
        );
        assert_eq!(widths(0, 0).count(), 0, "empty tiles are not served");
    }

    #[test]
    fn an_entry_bundle_that_ends_too_early_is_none() {
        assert_eq!(read_entries(b""), Some(vec![]));
        assert_eq!(read_entries(b"\0\x02ab\0\0\0\x01c"), Some(vec![&b"ab"[..], b"", b"c"]));
        for bytes in [&b"\0"[..], b"\0\x02a", b"\0\x01a\0", b"\xff\xffa"] {
            assert_eq!(read_entries(bytes), None);
        }
    }

    proptest! {
        #[test]
        fn every_tile_has_one_path_and_every_path_one_tile(
            level in prop::option::of(0..=63_u8), index: u64, width in 1..=256_u16,
        ) {
            let tile = tile(level.map_or(Content::Entries, Content::Hashes), index, width);
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }

        #[test]
        fn no_text_makes_reading_a_path_panic(text in "(tile/)?[0-9ex/.p]{0,40}|.*") {
            if let Ok(tile) = text.parse::<Tile>() {
                prop_assert_eq!(tile.to_string(), text);
            }
        }
    }
}
