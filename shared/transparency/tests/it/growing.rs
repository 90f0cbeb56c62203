//! A log that grows: in any steps the same, proven to be so, and as another implementation has it.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap};

use proptest::prelude::*;
use transparency::{
    Hash, Head, Leaf, Tile,
    checkpoint::{Candidate, Fork},
    proof::{NotProven, extended, included},
    tile::{Content, read_entries},
    tree::{
        Tiles, TreeError, append, needed_since, needed_to_append, needed_to_extend, needed_to_prove, prove,
        prove_extension, prove_since,
    },
};

use crate::support::{Log, leaves};

/// The hashes of a tree as `tlog_tiles`, the port of Go's `sumdb/tlog`, keeps them.
struct Oracle(Vec<tlog_tiles::Hash>);

impl tlog_tiles::HashReader for Oracle {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

impl Oracle {
    fn of(leaves: &[Leaf]) -> Self {
        let mut oracle = Self(Vec::new());
        for (index, leaf) in (0..).zip(leaves) {
            let hashes = tlog_tiles::stored_hashes(index, leaf.as_bytes(), &oracle).unwrap();
            oracle.0.extend(hashes);
        }
        oracle
    }

    fn head(&self, size: u64) -> Head {
        Head { size, root: Hash::from(tlog_tiles::tree_hash(size, self).unwrap().0) }
    }
}

fn ours(hashes: Vec<tlog_tiles::Hash>) -> Vec<Hash> {
    hashes.into_iter().map(|hash| hash.0.into()).collect()
}

/// A store that remembers what was asked for.
struct Asked<'a>(&'a BTreeMap<Tile, Vec<u8>>, RefCell<Vec<Tile>>);

impl Tiles for Asked<'_> {
    fn tile(&self, tile: Tile) -> Option<Cow<'_, [u8]>> {
        self.1.borrow_mut().push(tile);
        self.0.get(&tile).map(Cow::from)
    }
}

impl Asked<'_> {
    fn tiles(self) -> Vec<Tile> {
        let mut tiles = self.1.into_inner();
        tiles.sort_unstable();
        tiles.dedup();
        tiles
    }
}

fn asked(log: &Log) -> Asked<'_> {
    Asked(&log.tiles, RefCell::default())
}

fn sorted(mut tiles: Vec<Tile>) -> Vec<Tile> {
    tiles.sort_unstable();
    tiles
}

fn grown(steps: &[u64]) -> Log {
    let mut log = Log::new();
    for &step in steps {
        log.append(&leaves(log.head.size..log.head.size + step));
    }
    log
}

#[test]
fn nothing_appended_is_nothing_changed() {
    let log = grown(&[300]);
    let appended = append(&log.tiles, log.head, &[]).unwrap();
    assert_eq!((appended.tiles.len(), appended.head), (0, log.head));
    assert_eq!(append(&BTreeMap::new(), Head::empty(), &[]).unwrap().head, Head::empty());
}

#[test]
fn a_log_of_70_000_leaves_has_the_tiles_and_the_root_that_others_compute() {
    let all = leaves(0..70_000);
    let oracle = Oracle::of(&all);
    let mut log = Log::new();
    for part in all.chunks(9_999) {
        log.append(part);
        assert_eq!(log.head, oracle.head(log.head.size));
    }
    let paths: Vec<_> = tlog_tiles::Tile::new_tiles(8, 0, 70_000)
        .into_iter()
        .map(|tile| (tile.path().replacen("tile/8/", "tile/", 1), tile.read_data(&oracle).unwrap()))
        .collect();
    assert_eq!(paths.len(), 273 + 1 + 1 + 1 + 1);
    for (path, bytes) in paths {
        assert_eq!(log.tiles.get(&path.parse().unwrap()), Some(&bytes), "{path}");
    }
    let entries: Vec<&[u8]> = (0..274)
        .map(|index| Tile::of_tree(Content::Entries, index, 70_000).unwrap())
        .flat_map(|tile| read_entries(&log.tiles[&tile]).unwrap())
        .collect();
    assert!(entries.iter().copied().eq(all.iter().map(Leaf::as_bytes)));
    for index in [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999] {
        let (_, proof) = prove(&log.tiles, log.head, index).unwrap();
        assert_eq!(proof, ours(tlog_tiles::prove_record(70_000, index, &oracle).unwrap()));
    }
}

#[test]
fn a_tile_that_was_lost_cut_or_swapped_stops_the_log() {
    let log = grown(&[600]);
    let more = leaves(600..601);
    for tile in needed_to_append(600) {
        let mut tiles = log.tiles.clone();
        let bytes = tiles.remove(&tile).unwrap();
        assert_eq!(append(&tiles, log.head, &more), Err(TreeError::Missing(tile)));
        tiles.insert(tile, bytes[..bytes.len() - 1].to_vec());
        assert_eq!(append(&tiles, log.head, &more), Err(TreeError::Damaged(tile)), "{tile}");
        tiles.insert(tile, [&bytes[..], b"x"].concat());
        assert_eq!(append(&tiles, log.head, &more), Err(TreeError::Damaged(tile)), "{tile}");
        let mut other = bytes.clone();
        *other.last_mut().unwrap() ^= 1;
        tiles.insert(tile, other);
        assert_eq!(append(&tiles, log.head, &more), Err(TreeError::NotOfHead), "{tile}");
    }
}

#[test]
fn a_proof_is_not_made_of_tiles_of_another_log() {
    let log = grown(&[600]);
    for tile in needed_to_prove(300, 600) {
        let mut tiles = log.tiles.clone();
        tiles.get_mut(&tile).unwrap()[0] ^= 1;
        assert_eq!(prove(&tiles, log.head, 300), Err(TreeError::NotOfHead), "{tile}");
    }
}

#[test]
fn a_head_that_can_not_be_is_an_error_and_no_more() {
    let log = grown(&[600]);
    let full = Head { size: u64::MAX, ..log.head };
    assert_eq!(append(&log.tiles, full, &leaves(0..1)), Err(TreeError::Full));
    let never = Head { size: u64::MAX, root: log.head.root };
    assert!(matches!(append(&log.tiles, never, &[]), Err(TreeError::Missing(_))));
    assert!(matches!(prove(&log.tiles, never, u64::MAX - 1), Err(TreeError::Missing(_))));
}

#[test]
fn a_log_that_was_rewritten_can_not_be_published() {
    let mut log = grown(&[10]);
    log.publish();
    let mut rewritten = Log::new();
    rewritten.append(&leaves(5..20));
    let (old, new) = (log.checkpoint.head(), rewritten.head);
    assert_eq!(prove_extension(&rewritten.tiles, old, new), Err(TreeError::NotOfHead));
    let itself = prove_extension(&rewritten.tiles, Head { size: 10, root: new.root }, new);
    assert_eq!(itself, Err(TreeError::NotOfHead));
    let mut begun = Log::new();
    begun.append(&leaves(5..15));
    let honest = {
        let before = begun.head;
        begun.append(&leaves(15..20));
        prove_extension(&begun.tiles, before, begun.head).unwrap()
    };
    assert_eq!(Candidate::after(&log.checkpoint, new, &honest), Err(Fork(NotProven::WrongRoot)));
}

#[test]
fn a_partial_tile_may_be_deleted_once_it_is_full() {
    let then = grown(&[300]);
    let mut now = grown(&[300, 300]);
    let partial: Tile = "tile/0/001.p/44".parse().unwrap();
    assert!(now.tiles.remove(&partial).is_some());
    assert_eq!(prove(&now.tiles, then.head, 299), prove(&then.tiles, then.head, 299));
    assert!(now.tiles.remove(&partial.full()).is_some());
    assert_eq!(prove(&now.tiles, then.head, 299), Err(TreeError::Missing(partial)));
}

#[test]
fn proofs_beyond_the_log_do_not_exist() {
    let log = grown(&[3]);
    let out = NotProven::OutOfTree { index: 3, size: 3 };
    assert_eq!(prove(&log.tiles, log.head, 3), Err(out.into()));
    assert_eq!(included(log.head, 3, log.head.root, &[]), Err(out));
    assert_eq!(needed_to_prove(3, 3), []);
    let later = Head { size: 4, ..log.head };
    let shrunk = NotProven::Shrunk { old: 4, new: 3 };
    assert_eq!(prove_extension(&log.tiles, later, log.head), Err(shrunk.into()));
    assert_eq!(extended(Head { size: 0, ..log.head }, log.head, &[]), Err(NotProven::WrongRoot));
    assert_eq!(extended(Head::empty(), Head { size: 0, ..log.head }, &[]), Err(NotProven::WrongRoot));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn leaves_make_the_same_log_in_whatever_steps_they_come(steps in prop::collection::vec(0..400_u64, 0..8)) {
        let mut log = grown(&steps);
        let once = grown(&[log.head.size]);
        prop_assert_eq!(log.head, once.head);
        for (tile, bytes) in &once.tiles {
            prop_assert_eq!(log.tiles.get(tile), Some(bytes), "{}", tile);
        }
        prop_assert_eq!(log.head, Oracle::of(&leaves(0..log.head.size)).head(log.head.size));
        log.publish();
        prop_assert_eq!(log.checkpoint.head(), log.head);
    }

    #[test]
    fn every_leaf_is_proven_and_no_other_one_at_its_place(
        size in 1..1500_u64, at: prop::sample::Index, flipped: prop::sample::Index, bit in 0..8_u8,
    ) {
        let log = grown(&[size]);
        let index = at.index(size as usize) as u64;
        let store = asked(&log);
        let (leaf, proof) = prove(&store, log.head, index).unwrap();
        prop_assert_eq!(store.tiles(), sorted(needed_to_prove(index, size)));
        prop_assert_eq!(leaf, leaves(index..index + 1)[0].hash());
        let oracle = Oracle::of(&leaves(0..size));
        prop_assert_eq!(&proof, &ours(tlog_tiles::prove_record(size, index, &oracle).unwrap()));
        prop_assert_eq!(included(log.head, index, leaf, &proof), Ok(()));

        prop_assert!(included(log.head, (index + 1) % size, leaf, &proof).is_err() || size == 1);
        let other = leaves(size..size + 1)[0].hash();
        prop_assert_eq!(included(log.head, index, other, &proof), Err(NotProven::WrongRoot));
        let longer = [&proof[..], &[other]].concat();
        prop_assert_eq!(included(log.head, index, leaf, &longer), Err(NotProven::WrongLength));
        if let Some((_, shorter)) = proof.split_last() {
            prop_assert_eq!(included(log.head, index, leaf, shorter), Err(NotProven::WrongLength));
            let changed = with_a_bit_flipped(&proof, flipped, bit);
            prop_assert_eq!(included(log.head, index, leaf, &changed), Err(NotProven::WrongRoot));
        }
    }

    #[test]
    fn every_earlier_head_is_proven_to_be_the_logs_beginning(
        steps in (0..900_u64, 0..900_u64), flipped: prop::sample::Index, bit in 0..8_u8,
    ) {
        let old = grown(&[steps.0]).head;
        let log = grown(&[steps.0, steps.1]);
        let store = asked(&log);
        let proof = prove_extension(&store, old, log.head).unwrap();
        prop_assert_eq!(store.tiles(), sorted(needed_to_extend(old.size, log.head.size)));
        prop_assert_eq!(extended(old, log.head, &proof), Ok(()));
        if old.size > 0 {
            let oracle = Oracle::of(&leaves(0..log.head.size));
            prop_assert_eq!(&proof, &ours(tlog_tiles::prove_tree(log.head.size, old.size, &oracle).unwrap()));
        }
        // Whoever knows the root himself is given the same.
        let store = asked(&log);
        prop_assert_eq!(prove_since(&store, old.size, log.head), Ok(proof.clone()));
        prop_assert_eq!(store.tiles(), sorted(needed_since(old.size, log.head.size)));
        let other = Head { root: Hash::of_leaf(b"other"), ..old };
        prop_assert_eq!(extended(other, log.head, &proof), Err(NotProven::WrongRoot));
        let longer = [&proof[..], &[old.root]].concat();
        prop_assert_eq!(extended(old, log.head, &longer), Err(NotProven::WrongLength));
        if let Some((_, shorter)) = proof.split_last() {
            prop_assert_eq!(extended(old, log.head, shorter), Err(NotProven::WrongLength));
            let changed = with_a_bit_flipped(&proof, flipped, bit);
            prop_assert_eq!(extended(old, log.head, &changed), Err(NotProven::WrongRoot));
        }
    }
}

proptest! {
    // A log of some size takes its time to make.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn appending_reads_the_right_edge_and_nothing_else(size in 0..70_000_u64, more in 1..600_u64) {
        let log = grown(&[size]);
        let store = asked(&log);
        append(&store, log.head, &leaves(size..size + more)).unwrap();
        prop_assert_eq!(store.tiles(), sorted(needed_to_append(size)));
    }
}

fn with_a_bit_flipped(hashes: &[Hash], at: prop::sample::Index, bit: u8) -> Vec<Hash> {
    let mut bytes: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
    let at = at.index(bytes.len());
    bytes[at] ^= 1 << bit;
    bytes.as_chunks::<32>().0.iter().map(|bytes| (*bytes).into()).collect()
}
