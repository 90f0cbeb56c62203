//! The proof of an uptime: the records of a provider's days, each with its place in the log, in one bundle.
//!
//! The days end with the last one that the log has of every monitor that runs, so that none seems to be left out; of a monitor that
//! ended before, the log's record of its end is there too, and of days that were corrected, what they were corrected to. What is handed out has been verified as a stranger would.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use table::{LoggedVersion, SealedDay, Table, TableError};
use transparency::{
    Bundle, Leaf, PublicKey, Published, Tile,
    bundle::{MOST_LEAVES, NotBundled},
    claim::{Claim, Expected},
    tree::needed_to_prove,
};
use trust::{
    time::Day,
    uptime::{
        facts::Facts,
        leaves::{CorrectionLeaf, MonitorLeaf},
        record::DayRecord,
    },
};

use crate::overview::Window;

/// Most bytes of a bundle that is answered. Lambda's limit of an answer is 6 MB, and the text grows when it is put into JSON.
const LONGEST: usize = 5_000_000;

/// How many monitors' days are read at once. More only brings throttling nearer.
const AT_ONCE: usize = 8;

/// Days that are read beyond those asked for: the last ones may still wait for their place in the log.
const MARGIN: u16 = 2;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoProof {
    /// There is no log yet.
    #[error("there is no log yet")]
    NoLog,
    /// None of the days is in the log.
    #[error(
        "none of these days is in the log yet: a day is sealed an hour after its end, and then waits for its place"
    )]
    NoDays,
    /// More than a bundle, or an answer, can hold.
    #[error(
        "the proof is too long for one answer: ask for fewer days, or with monitor= for one monitor at a time"
    )]
    TooLong,
    /// The table could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// What is stored does not prove what it should. Somebody has to look.
    #[error("the proof does not hold: {0}")]
    Broken(String),
}

fn broken<E: std::error::Error>(error: E) -> NoProof {
    NoProof::Broken(error.to_string())
}

/// A bundle, and the last day in it.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) text: String,
    pub(crate) last: Day,
}

/// Proves the uptime of these monitors over the last days that are in the log.
pub(crate) async fn prove(table: &Table, facts: &[Facts], window: Window) -> Result<Proof, NoProof> {
    let (checkpoint, keys) = published(table).await?.ok_or(NoProof::NoLog)?;
    let size = checkpoint.head().size;
    let sealed_until = common_end(facts, window);
    let from = sealed_until.minus(window.days() - 1 + MARGIN);
    let concerned: Vec<&Facts> =
        facts.iter().filter(|facts| facts.days_within(from, sealed_until).next().is_some()).collect();
    if concerned.iter().map(|facts| facts.days_within(from, sealed_until).count()).sum::<usize>()
        > MOST_LEAVES
    {
        return Err(NoProof::TooLong);
    }
    let read: Vec<_> =
        concerned.into_iter().map(|facts| series(table, facts, from, sealed_until, size)).collect();
    let series: Vec<Series> = stream::iter(read).buffered(AT_ONCE).try_collect().await?;
    let last = series.iter().filter_map(|series| series.holds_back).min().unwrap_or(sealed_until);
    let leaves = leaves(&series, last.minus(window.days() - 1), last)?;
    if leaves.is_empty() {
        return Err(NoProof::NoDays);
    }
    let bundle = bundle(table, &checkpoint, leaves).await?;
    let verified = bundle.verify(&keys).map_err(broken)?;
    Claim::of(&verified, &Expected::default()).map_err(broken)?;
    let text = bundle.to_string();
    if text.len() > LONGEST { Err(NoProof::TooLong) } else { Ok(Proof { text, last }) }
}

/// The last checkpoint and the log's keys; `None` before there is a log.
pub(crate) async fn published(table: &Table) -> Result<Option<(Published, Vec<PublicKey>)>, NoProof> {
    let head = table.log_head().await?.value;
    if head.checkpoint.is_empty() {
        return Ok(None);
    }
    let known = table.log_keys().await?.value.keys;
    let keys =
        known.iter().map(|(_, key)| key.parse()).collect::<Result<Vec<PublicKey>, _>>().map_err(broken)?;
    Ok(Some((Published::open(&head.checkpoint, &keys).map_err(broken)?, keys)))
}

/// The last day up to which all that run are sealed, yesterday at most. One that began and has no day yet holds it back, too.
fn common_end(facts: &[Facts], window: Window) -> Day {
    let ends = facts.iter().filter_map(|facts| {
        let first = facts.watch.first_day().filter(|first| *first <= window.last())?;
        let reached = facts.sealed.days.last().map(|fact| fact.day);
        let is_done = reached.is_some_and(|reached| facts.watch.ends_by(reached));
        (!is_done).then(|| reached.unwrap_or(first.minus(1)))
    });
    ends.min().map_or(window.last(), |end| end.min(window.last()))
}

/// A monitor's days in the log, and what the log says of its end.
struct Series {
    days: Vec<(Day, u64, Leaf)>,
    /// What the log says is right in the place of these days.
    corrections: Vec<(Day, u64, Leaf)>,
    end: Option<(u64, Leaf)>,
    /// The day that no claim can go beyond for this monitor's sake; `None` if it ended, and the log says so.
    holds_back: Option<Day>,
}

async fn series(table: &Table, facts: &Facts, first: Day, last: Day, size: u64) -> Result<Series, NoProof> {
    let Facts { watch, .. } = facts;
    let mut days = Vec::new();
    for SealedDay { record, leaf, .. } in
        table.sealed_days(&watch.service.monitor, first, last, table::Freshness::Recent).await?
    {
        let Some(index) = leaf.filter(|index| *index < size) else { break };
        let day = DayRecord::decode(record.as_bytes()).map_err(broken)?.day().day;
        days.push((day, index, Leaf::from_bytes(record.into_bytes()).map_err(broken)?));
    }
    let corrections = corrections(table, facts, &days, size).await?;
    let mut end = None;
    if watch.ended.is_some() {
        for LoggedVersion { record, leaf: index } in table.logged_versions(&watch.service.monitor).await? {
            let version = MonitorLeaf::decode(record.as_bytes()).map_err(broken)?;
            if index < size && version.lifetime.ended() == watch.ended {
                end = Some((index, Leaf::from_bytes(record.into_bytes()).map_err(broken)?));
            }
        }
    }
    let reached = days.last().map(|(day, ..)| *day);
    let is_done = end.is_some() && reached.is_some_and(|reached| watch.ends_by(reached));
    let begun = watch.first_day().map_or(first, |begun| begun.max(first));
    let holds_back = (!is_done).then(|| reached.unwrap_or(begun.minus(1)));
    Ok(Series { days, corrections, end, holds_back })
}

/// The corrections of these days that are in the log.
async fn corrections(
    table: &Table,
    facts: &Facts,
    days: &[(Day, u64, Leaf)],
    size: u64,
) -> Result<Vec<(Day, u64, Leaf)>, NoProof> {
    let (Some((first, ..)), Some((last, ..))) = (days.first(), days.last()) else { return Ok(Vec::new()) };
    let logged = table.logged_corrections(&facts.watch.service.monitor, *first, *last).await?;
    let read = |LoggedVersion { record, leaf: index }: LoggedVersion| {
        let of = CorrectionLeaf::decode(record.as_bytes()).map_err(broken)?.leaf();
        let day = days.iter().find(|(_, place, _)| *place == of && index < size).map(|(day, ..)| *day);
        let leaf = Leaf::from_bytes(record.into_bytes()).map_err(broken)?;
        Ok(day.map(|day| (day, index, leaf)))
    };
    logged.into_iter().filter_map(|logged| read(logged).transpose()).collect()
}

/// The leaves that bear a claim about these days, by their places.
fn leaves(series: &[Series], first: Day, last: Day) -> Result<BTreeMap<u64, Leaf>, NoProof> {
    let within = |day: Day| (first..=last).contains(&day);
    let mut leaves = BTreeMap::new();
    for Series { days, corrections, end, .. } in series {
        for (_, index, leaf) in corrections.iter().filter(|(day, ..)| within(*day)) {
            leaves.insert(*index, leaf.clone());
        }
        let mut reached = None;
        for (day, index, leaf) in days.iter().filter(|(day, ..)| within(*day)) {
            leaves.insert(*index, leaf.clone());
            reached = Some(*day);
        }
        if let (Some(reached), Some((index, leaf))) = (reached, end)
            && reached < last
        {
            leaves.insert(*index, leaf.clone());
        }
    }
    if leaves.len() > MOST_LEAVES { Err(NoProof::TooLong) } else { Ok(leaves) }
}

async fn bundle(
    table: &Table,
    checkpoint: &Published,
    leaves: BTreeMap<u64, Leaf>,
) -> Result<Bundle, NoProof> {
    let size = checkpoint.head().size;
    let needed: std::collections::BTreeSet<Tile> =
        leaves.keys().flat_map(|index| needed_to_prove(*index, size)).collect();
    let paths: Vec<String> = needed.iter().map(Tile::to_string).collect();
    let found = table.tiles(&paths).await?;
    let tiles: BTreeMap<Tile, Vec<u8>> =
        needed.into_iter().zip(found).filter_map(|(tile, bytes)| Some((tile, bytes?))).collect();
    Bundle::collect(&tiles, checkpoint, leaves).map_err(|error| match error {
        NotBundled::Count(_) | NotBundled::TooLong => NoProof::TooLong,
        error => broken(error),
    })
}
