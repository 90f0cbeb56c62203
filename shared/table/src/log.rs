//! The log: what waits for its place in it, its tiles, and its head.
//!
//! Appending is three steps, each of which can be done again: leaves are *staged* by one conditional write of the head, which
//! decides which leaves come next; their tiles are stored, which are the same whoever stores them; and the checkpoint is replaced,
//! by another conditional write. So two who append at once, or one who dies in between, make one log.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::{Deserialize, Serialize};
use trust::{
    id::ProviderId,
    time::{Day, Moment},
    uptime::{maintenance::Window, names::MonitorId},
};

use crate::{
    Stored, Table, TableError,
    item::{self, Order, Range, number, text},
    keys::{self, END, Key},
};

/// Most bytes of a tile in one item, whose limit is 400 KB. A tile of 256 long leaves takes several.
const LONGEST_PART: usize = 350_000;

/// What the path of a tile has that is not full (C2SP `tlog-tiles`).
const PARTIAL_TILE: &str = ".p/";

/// The name of a leaf that waits: the order in which they come into the log, and the same however often it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeafName(String);

impl LeafName {
    /// A change of keys: before all others.
    pub fn key(id: &str) -> Self {
        Self(format!("0#key#{id}"))
    }

    /// Announced work: it has to be in the log before it starts.
    pub fn maintenance(monitor: &MonitorId, window: Window) -> Self {
        let [announced, from, until] =
            [window.announced_at, window.span.from, window.span.until].map(Moment::unix);
        Self(format!("1#maintenance#{monitor}#{announced}#{from}#{until}"))
    }

    /// A version of a monitor's configuration: before the days that were recorded under it.
    pub fn monitor(monitor: &MonitorId, version: u32) -> Self {
        Self(format!("2#monitor#{monitor}#{version:010}"))
    }

    /// A monitor's day.
    pub fn day(monitor: &MonitorId, day: Day) -> Self {
        Self(format!("3#day#{monitor}#{day}"))
    }

    /// A correction of a monitor's day, from 1 on: after the day, which it names by its place.
    pub fn correction(monitor: &MonitorId, day: Day, number: u32) -> Self {
        Self(format!("5#correction#{monitor}#{day}#{number:010}"))
    }

    /// A provider's score at the end of a day.
    pub fn score(provider: &ProviderId, day: Day) -> Self {
        Self(format!("4#score#{provider}#{day}"))
    }

    /// What it is about, if it is something whose place is noted.
    fn subject(&self) -> Option<Subject> {
        let (_, rest) = self.0.split_once('#')?;
        let (kind, rest) = rest.split_once('#')?;
        let (of, which) = rest.split_once('#')?;
        match kind {
            "day" => Some(Subject::Day(of.parse().ok()?, Day::parse(which).ok()?)),
            "monitor" => Some(Subject::Version(of.parse().ok()?, which.parse().ok()?)),
            "correction" => {
                let (day, number) = which.split_once('#')?;
                Some(Subject::Correction(of.parse().ok()?, Day::parse(day).ok()?, number.parse().ok()?))
            }
            "score" => Some(Subject::Score(of.parse().ok()?, Day::parse(which).ok()?)),
            _ => None,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a leaf is about.
enum Subject {
    Day(MonitorId, Day),
    Version(MonitorId, u32),
    Correction(MonitorId, Day, u32),
    Score(ProviderId, Day),
}

#[derive(Deserialize)]
struct Waiting {
    leaf: String,
}

/// A version of a monitor's configuration, or a correction of one of its days, that is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedVersion {
    /// The record's text, exactly as it is in the log.
    pub record: String,
    /// Its place in the log.
    pub leaf: u64,
}

/// The keys that the log was ever signed with, the current one last, as C2SP `signed-note` writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogKeys {
    /// The keys, each with the time from which on it was the current one.
    pub keys: Vec<(Moment, String)>,
}

/// The head of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// The checkpoint, a signed note; empty before the first.
    pub checkpoint: String,
    /// The leaves that come next, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub staged: Vec<LeafName>,
    /// The place of the first of them. Once the checkpoint is beyond it, they are in the log.
    #[serde(default)]
    pub first: u64,
    /// How large the log was that each witness cosigned last, by the witness's key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub witnessed: BTreeMap<String, u64>,
}

impl Table {
    /// The head of the log, as of the last write.
    pub async fn log_head(&self) -> Result<Stored<LogHead>, TableError> {
        let stored = self.stored(&keys::log_head()).await?;
        Ok(stored.unwrap_or(Stored { value: LogHead::default(), version: 0 }))
    }

    /// Replaces the head, on condition that nobody else has meanwhile.
    pub async fn write_log_head(&self, head: &LogHead, read: u64) -> Result<(), TableError> {
        self.put_if(item::item(&keys::log_head(), head)?, read).await
    }

    /// The keys of the log.
    pub async fn log_keys(&self) -> Result<Stored<LogKeys>, TableError> {
        let stored = self.stored(&keys::log_keys()).await?;
        Ok(stored.unwrap_or(Stored { value: LogKeys::default(), version: 0 }))
    }

    /// Writes the keys of the log, on condition that nobody else has meanwhile, with what the log is to say of the change.
    pub async fn write_log_keys(
        &self,
        log_keys: &LogKeys,
        read: u64,
        leaf: Option<(LeafName, String)>,
    ) -> Result<(), TableError> {
        let mut writes = vec![self.put_versioned(&keys::log_keys(), log_keys, read)?];
        if let Some((name, leaf)) = leaf {
            writes.push(self.put_any(awaiting(&name, &leaf))?);
        }
        self.transact(writes).await
    }

    /// Has a leaf wait for its place in the log.
    pub async fn await_leaf(&self, name: &LeafName, leaf: &str) -> Result<(), TableError> {
        self.put(awaiting(name, leaf)).await
    }

    /// The leaves that wait, at most so many, in the order in which they come.
    pub async fn awaiting_leaves(&self, limit: u16) -> Result<Vec<LeafName>, TableError> {
        let range = Range { pk: keys::PENDING.to_owned(), from: "!", to: END };
        let (items, _) = self.page(&range, Order::Ascending, i32::from(limit)).await?;
        Ok(items.iter().map(|item| LeafName(item::sort_key(item).to_owned())).collect())
    }

    /// The bytes of leaves that wait, in the order of their names. One that is not there is an error: staged leaves stay until
    /// they are in the log.
    pub async fn staged_leaves(&self, names: &[LeafName]) -> Result<Vec<Vec<u8>>, TableError> {
        let keys: Vec<Key> = names.iter().map(keys::pending).collect();
        let items = self.get_many(&keys).await?;
        let leaf = |(item, name): (Option<item::Item>, &LeafName)| {
            let leaf = item.as_ref().and_then(|item| item.get("leaf")?.as_s().ok());
            leaf.map(|leaf| leaf.clone().into_bytes()).ok_or_else(|| TableError::corrupt(&name.0, "no leaf"))
        };
        items.into_iter().zip(names).map(leaf).collect()
    }

    /// Notes the places that leaves have got in the log, the first of them `first`, and ends their waiting.
    pub async fn place_leaves(&self, names: &[LeafName], first: u64) -> Result<(), TableError> {
        for (index, name) in (first..).zip(names) {
            match name.subject() {
                Some(Subject::Day(monitor, day)) => {
                    let index = number(i64::try_from(index).unwrap_or(i64::MAX));
                    self.set_existing(&keys::record_of(&monitor, day), "leaf", index).await?;
                }
                Some(Subject::Version(monitor, number)) => {
                    self.keep_logged(name, &keys::version_of(&monitor, number), index).await?;
                }
                Some(Subject::Correction(monitor, day, number)) => {
                    self.keep_logged(name, &keys::correction_of(&monitor, day, number), index).await?;
                }
                Some(Subject::Score(provider, day)) => {
                    let index = number(i64::try_from(index).unwrap_or(i64::MAX));
                    self.set_existing(&keys::history_day(&provider, day), "leaf", index).await?;
                }
                None => {}
            }
            self.delete_now(&keys::pending(name)).await?;
        }
        Ok(())
    }

    /// Keeps a leaf that has waited with the place that it has got.
    async fn keep_logged(&self, name: &LeafName, key: &Key, leaf: u64) -> Result<(), TableError> {
        // Where it is gone, somebody has been here before.
        let Some(item) = self.get(&keys::pending(name)).await? else { return Ok(()) };
        let Waiting { leaf: record } = item::read(item)?;
        self.put(item::item(key, &LoggedVersion { record, leaf })?).await
    }

    /// The versions of a monitor's configuration that are in the log, by their numbers.
    pub async fn logged_versions(&self, monitor: &MonitorId) -> Result<Vec<LoggedVersion>, TableError> {
        let (from, to) = (keys::version_of(monitor, 0).sk, keys::version_of(monitor, u32::MAX).sk);
        let range = Range { pk: keys::monitor(monitor), from: &from, to: &to };
        self.all_relaxed(&range).await?.into_iter().map(item::read).collect()
    }

    /// Tiles by their paths; `None` for one that is not there.
    pub async fn tiles(&self, paths: &[String]) -> Result<Vec<Option<Vec<u8>>>, TableError> {
        let keys: Vec<Key> = paths.iter().map(|path| keys::tile(path, 0)).collect();
        let mut tiles = Vec::with_capacity(paths.len());
        for (item, path) in self.get_many(&keys).await?.iter().zip(paths) {
            let Some(item) = item else {
                tiles.push(None);
                continue;
            };
            let parts = item::unsigned(item, "parts").unwrap_or(1);
            let rest: Vec<Key> = (1..parts).map(|part| keys::tile(path, part)).collect();
            let mut bytes = part(item, path)?.to_vec();
            for item in self.get_many(&rest).await? {
                let item = item.ok_or_else(|| TableError::corrupt(path, "a part is not there"))?;
                bytes.extend(part(&item, path)?);
            }
            tiles.push(Some(bytes));
        }
        Ok(tiles)
    }

    /// The partial tiles that are stored, by their paths.
    pub async fn partial_tiles(&self) -> Result<Vec<PartialTile>, TableError> {
        let to = format!("{}{END}", keys::PARTIAL);
        let range = Range { pk: keys::LOG.to_owned(), from: keys::PARTIAL, to: &to };
        let partial = |item: &item::Item| {
            let path = item::sort_key(item).strip_prefix(keys::PARTIAL)?.to_owned();
            Some(PartialTile { path, parts: item::unsigned(item, "parts")? })
        };
        Ok(self.all_relaxed(&range).await?.iter().filter_map(partial).collect())
    }

    /// Deletes a partial tile. Done again where it was cut off half-way.
    pub async fn delete_partial(&self, tile: &PartialTile) -> Result<(), TableError> {
        for part in 0..tile.parts {
            self.delete_now(&keys::tile(&tile.path, part)).await?;
        }
        self.delete_now(&keys::partial(&tile.path)).await
    }

    /// Stores a tile. Whoever stores the same path stores the same bytes.
    pub async fn write_tile(&self, path: &str, bytes: &[u8]) -> Result<(), TableError> {
        let parts = bytes.len().div_ceil(LONGEST_PART).max(1);
        if path.contains(PARTIAL_TILE) {
            // Before the tile, so that none is forgotten.
            let mut item = item::keyed(&keys::partial(path));
            item.insert("parts".to_owned(), number_of(parts));
            self.put(item).await?;
        }
        // The first part, which says how many there are, comes last.
        for number in (0..parts).rev() {
            let end = bytes.len().min((number + 1) * LONGEST_PART);
            let mut item = item::keyed(&keys::tile(path, number as u64));
            item.insert("tile".to_owned(), AttributeValue::B(Blob::new(&bytes[number * LONGEST_PART..end])));
            item.insert("parts".to_owned(), number_of(parts));
            self.put(item).await?;
        }
        Ok(())
    }
}

/// A partial tile that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialTile {
    /// Its path.
    pub path: String,
    parts: u64,
}

fn number_of(count: usize) -> AttributeValue {
    number(i64::try_from(count).unwrap_or(i64::MAX))
}

fn part<'a>(item: &'a item::Item, path: &str) -> Result<&'a [u8], TableError> {
    let tile = item.get("tile").and_then(|tile| tile.as_b().ok());
    tile.map(AsRef::as_ref).ok_or_else(|| TableError::corrupt(path, "not a tile"))
}

/// The item of a leaf that waits.
pub(crate) fn awaiting(name: &LeafName, leaf: &str) -> item::Item {
    let mut item = item::keyed(&keys::pending(name));
    item.insert("leaf".to_owned(), text(leaf));
    item
}
