//! A log in memory, and the day records of its monitors.

use std::collections::BTreeMap;

use transparency::{
    Hash, Head, Kind, Leaf, PublicKey, Published, SecretKey, Tile,
    chain::Linked,
    checkpoint::Candidate,
    tree::{append, prove_extension},
};

pub(crate) const ORIGIN: &str = "log.example/uptime";

pub(crate) fn key(origin: &str, seed: u8) -> SecretKey {
    SecretKey::from_seed(origin.parse().unwrap(), &[seed; 32]).unwrap()
}

/// A log with all tiles it ever had, and its checkpoints.
pub(crate) struct Log {
    pub(crate) tiles: BTreeMap<Tile, Vec<u8>>,
    pub(crate) head: Head,
    pub(crate) key: SecretKey,
    pub(crate) checkpoint: Published,
    /// Where the bytes of each leaf stand.
    pub(crate) places: BTreeMap<Vec<u8>, u64>,
}

impl Log {
    pub(crate) fn of(key: SecretKey) -> Self {
        let empty = Candidate::of_empty_log(key.public().origin().clone());
        let checkpoint = empty.sign(&key, &[]).unwrap();
        Self { tiles: BTreeMap::new(), head: Head::empty(), key, checkpoint, places: BTreeMap::new() }
    }

    pub(crate) fn new() -> Self {
        Self::of(key(ORIGIN, 1))
    }

    pub(crate) fn public_keys(&self) -> Vec<PublicKey> {
        vec![self.key.public().clone()]
    }

    pub(crate) fn append(&mut self, leaves: &[Leaf]) {
        let appended = append(&self.tiles, self.head, leaves).unwrap();
        self.tiles.extend(appended.tiles);
        let places = leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).zip(self.head.size..);
        self.places.extend(places);
        self.head = appended.head;
    }

    pub(crate) fn publish(&mut self) {
        let proof = prove_extension(&self.tiles, self.checkpoint.head(), self.head).unwrap();
        let next = Candidate::after(&self.checkpoint, self.head, &proof).unwrap();
        self.checkpoint = next.sign(&self.key, &[]).unwrap();
    }
}

/// Leaves that differ.
pub(crate) fn leaves(numbers: std::ops::Range<u64>) -> Vec<Leaf> {
    numbers.map(|number| Leaf::new(Kind::Score, number.to_string().as_bytes()).unwrap()).collect()
}

/// A day of a monitor, in a form that is only this test's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) monitor: String,
    pub(crate) sequence: u64,
    pub(crate) previous: Option<Hash>,
    pub(crate) up: u64,
}

impl Day {
    pub(crate) fn leaf(&self) -> Leaf {
        let Self { monitor, sequence, previous, up } = self;
        let previous = previous.map_or("none".to_owned(), |hash| hash.to_string());
        let record = format!("monitor {monitor}\nsequence {sequence}\nprevious {previous}\nup {up}\n");
        Leaf::new(Kind::Day, record.as_bytes()).unwrap()
    }

    fn parse(leaf: &Leaf) -> Option<Self> {
        let text = std::str::from_utf8(leaf.record()).ok()?;
        let mut lines = text.lines();
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        Some(Self {
            monitor: field("monitor")?.to_owned(),
            sequence: field("sequence")?.parse().ok()?,
            previous: match field("previous")? {
                "none" => None,
                hash => Some(Hash::from_base64(hash)?),
            },
            up: field("up")?.parse().ok()?,
        })
    }

    /// The day that a leaf is, if it is one of this monitor's.
    pub(crate) fn of_monitor(monitor: &str) -> impl Fn(&Leaf) -> Result<Option<Self>, &'static str> {
        move |leaf| match leaf.kind() {
            Kind::Day => {
                let day = Self::parse(leaf).ok_or("no day")?;
                Ok((day.monitor == monitor).then_some(day))
            }
            _ => Ok(None),
        }
    }
}

impl Linked for Day {
    fn sequence(&self) -> u64 {
        self.sequence
    }
    fn previous(&self) -> Option<Hash> {
        self.previous
    }
    fn hash(&self) -> Hash {
        self.leaf().hash()
    }
}

/// The first days of a monitor.
pub(crate) fn days(monitor: &str, count: u64) -> Vec<Day> {
    let mut previous = None;
    (0..count)
        .map(|sequence| {
            let day = Day { monitor: monitor.to_owned(), sequence, previous, up: 1440 - sequence };
            previous = Some(day.hash());
            day
        })
        .collect()
}
