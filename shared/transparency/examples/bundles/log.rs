//! A log in memory, and bundles out of it.

use std::collections::BTreeMap;

use transparency::{
    Bundle, Head, Leaf, Published, SecretKey, Tile,
    checkpoint::Candidate,
    tree::{append, prove_extension},
};

pub(crate) const ORIGIN: &str = "log.example/uptime";

/// A key of a log that is not secret.
pub(crate) fn key(origin: &str, seed: u8) -> SecretKey {
    SecretKey::from_seed(origin.parse().unwrap(), &[seed; 32]).unwrap()
}

/// A log with its leaves, and the last checkpoint, which speaks of all of them.
pub(crate) struct Log {
    tiles: BTreeMap<Tile, Vec<u8>>,
    places: BTreeMap<Vec<u8>, u64>,
    keys: Vec<SecretKey>,
    pub(crate) checkpoint: Published,
}

impl Log {
    /// A log that is signed with all of these keys.
    pub(crate) fn of(keys: &[SecretKey]) -> Self {
        let (current, others) = keys.split_first().unwrap();
        let empty = Candidate::of_empty_log(current.public().origin().clone());
        let checkpoint = empty.sign(current, &others.iter().collect::<Vec<_>>()).unwrap();
        Self { tiles: BTreeMap::new(), places: BTreeMap::new(), keys: keys.to_vec(), checkpoint }
    }

    /// Appends records, and publishes.
    pub(crate) fn append(&mut self, records: impl IntoIterator<Item = String>) {
        let leaves: Vec<Leaf> =
            records.into_iter().map(|record| Leaf::from_bytes(record.into_bytes()).unwrap()).collect();
        let Head { size, .. } = self.checkpoint.head();
        self.places.extend(leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).zip(size..));
        let appended = append(&self.tiles, self.checkpoint.head(), &leaves).unwrap();
        self.tiles.extend(appended.tiles);
        let proof = prove_extension(&self.tiles, self.checkpoint.head(), appended.head).unwrap();
        let next = Candidate::after(&self.checkpoint, appended.head, &proof).unwrap();
        let (current, others) = self.keys.split_first().unwrap();
        self.checkpoint = next.sign(current, &others.iter().collect::<Vec<_>>()).unwrap();
    }

    /// Where a record stands. The last place, if it was logged twice.
    pub(crate) fn place(&self, record: &str) -> u64 {
        self.places[record.as_bytes()]
    }

    /// The bundle of these records.
    pub(crate) fn bundle<'a>(&self, records: impl IntoIterator<Item = &'a String>) -> Bundle {
        let leaf =
            |record: &'a String| (self.place(record), Leaf::from_bytes(record.clone().into_bytes()).unwrap());
        Bundle::collect(&self.tiles, &self.checkpoint, records.into_iter().map(leaf).collect()).unwrap()
    }
}
