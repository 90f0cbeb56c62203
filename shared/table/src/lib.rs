//! The DynamoDB table: the only crate that knows keys and attribute names.
//!
//! One table, these kinds of partition:
//!
//! | partition | sort keys | holds |
//! |---|---|---|
//! | `provider#P` | `past`, `price`, `profile`, `renters`, `renters#RENTER`, `signal#DAY#…`, `waiting#…`, `watch#…`, `summary`, `chat` | a provider's signals and what became of them |
//! | `operator#O` | `P` | the operator's providers, and what each is to be warned of |
//! | `renters#P` | `RENTER` | in how many contracts he served each renter |
//! | `waits#P` | `RENTER#MONDAY` | the earliest waits of a renter in a week, of which the first are scored |
//! | `history#P` | `DAY` | his score, day by day; sealed, and with its place in the log, once the day is over |
//! | `contract#C` | `contract`, `chat#A#N`, `setup`, `monitoring`, `survey` | a contract, the conversations that claim it, the one we open for it, what is watched for it, and how far its survey is |
//! | `deals#ID` | `C` | the contracts in which somebody is provider or renter |
//! | `votes#P` | `RENTER` | what a renter has said of a provider |
//! | `monitor#M` | `monitor`, `record#DAY`, `version#N`, `correction#DAY#N` | a monitor, its sealed days, and the versions of its configuration and the corrections of its days that are in the log |
//! | `shards` | `SHARD`, `room#SHARD`, `planned#VANTAGE`, `panels` | how many monitors stand in each shard, which have room for new ones, up to which minute each vantage has planned them, and who decided when |
//! | `shard#S` | `M` | what a worker needs to ask the monitors of a shard |
//! | `seen#S#DAY` | `MINUTE#VANTAGE#RUN` | what was seen of a shard's monitors, minute by minute |
//! | `uptime#P` | `M`, `M#now` | what is known of a provider's monitors: sealed days, and the current ones |
//! | `reports#M` | `HOUR` | what others said of a monitor, for some days |
//! | `reported#P` | `M` | what was said of a provider's monitors, day by day, and where it differs from what we saw |
//! | `reviews` | `M` | from which day on a monitor's sealed days are to be looked at again |
//! | `pending` | `ORDER#KIND#…` | the leaves that wait for their place in the log |
//! | `log` | `head`, `keys`, `partial#PATH` | the log's checkpoint and the leaves that come next, its keys, and which of its tiles are not full |
//! | `log#PATH` | `tile#PART` | one tile of the log |
//! | `account#A` | `link#…`, `conversation#N`, `watermark` | whose a Chatwoot account or inbox is, its conversations, and how far they are checked |
//! | `chat#A#N` | `conversation`, `record#C`, `message#TIME#ID`, `checked` | a conversation's ledger |
//! | `offerings#P` | `OFFERING` | a provider's offerings |
//! | `price#P` | `OFFERING` | his offerings against the market |
//! | `prices` | `SOURCE` | which sources of prices there are, and when each was read |
//! | `prices#SOURCE` | `HASH#PART` | the prices of a source |
//! | `rates` | `DAY` | exchange rates |
//! | `market` | `CLASS` | as of when the market of a class is |
//! | `market#CLASS` | `HASH#PART` | that market |
//! | `claims#P` | `claimed#OFFERING#TIME`, `renter#RENTER`, `offering#OFFERING`, `published#OFFERING#PAGE` | what his offerings claimed from when on, what a renter has measured, what renters found of an offering, and what independent sites say of it |
//! | `candidates#POLICY` | `P` | what every provider would be by a policy that is not in force |
//! | `runs` | `compute#POLICY`, `switch#POLICY` | how far the making of those is, and of summaries by another policy |
//! | `sources` | `state#S`, `stop#S` | how each source stands, and which ones an operator has stopped |
//! | `source#S` | `page#PAGE#SUBJECT`, `facts#PAGE#SUBJECT`, `name#SUBJECT` | a source's pages, what they said when they were last read well, and whose its names are |
//! | `names#P` | `S#SUBJECT` | what sources call a provider |
//! | `host#H` | `turn`, `robots` | whose turn it is to ask a host, and what it lets us read |
//! | `caller#I` | `nonce#UUID`, `minute#N` | what a caller has signed and how often he has asked, for some minutes |
//!
//! Whatever is read, changed and written back carries a version and is written on condition that it has not moved:
//! [`TableError::Conflict`] means read again.

mod callers;
mod candidates;
mod claims;
mod communication;
mod contracts;
mod due;
mod error;
mod facts;
mod feedback;
mod item;
mod keys;
mod ledger;
mod listing;
mod log;
mod monitors;
mod operators;
mod parts;
mod patience;
mod prices;
mod providers;
mod reconciliation;
mod reports;
mod reviews;
mod scores;
mod setup;
mod sightings;
mod signals;
mod silence;
mod sources;
mod summaries;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_sdk_dynamodb::{Client, types::ConsumedCapacity};

pub use callers::{Calls, Nonce};
pub use candidates::{Candidate, Run, RunKind};
pub use claims::{Independent, Measuring, Published};
pub use error::TableError;
pub use facts::{SealedDay, StoredFacts};
pub use feedback::Voting;
pub use keys::{SignalKind, offerer_of, provider_of, signal_of};
pub use ledger::{ConversationState, Exchange, Former, LedgerWrite, Links, Looked, MessageKey};
pub use listing::{Card, CardFamily, Sort};
pub use log::{LeafName, LogHead, LogKeys, LoggedVersion, PartialTile};
pub use monitors::{Asked, Known, MOST_LOOKED_AT};
pub use prices::{KeptMarket, KeptPrices, KeptRates, MarketHead};
pub use providers::{Held, InAccount};
pub use reconciliation::{Checked, Watermark};
pub use reviews::{Corrected, Correction, MOST_CORRECTED, Review};
pub use scores::UnsealedScore;
pub use sightings::{SEGMENTS_KEPT_DAYS, Seen, Segment};
pub use signals::{LastSummary, StoredSignals};
pub use sources::{PageFacts, SourceStanding};
pub use summaries::{Cursor, History, HistoryEntry, InvalidCursor, Page};

/// Something read from the table, with the version to write it back on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// What was read.
    pub value: T,
    /// Its version; 0 where there was nothing.
    pub version: u64,
}

/// How fresh a read has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As of the last write: for what becomes final.
    LastWrite,
    /// Possibly a moment old, for half the price.
    Recent,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    consumed: Arc<Meter>,
}

#[derive(Debug, Default)]
struct Meter {
    read: AtomicU64,
    written: AtomicU64,
}

/// Capacity units DynamoDB charged, in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Consumed {
    /// Read units.
    pub read: u64,
    /// Write units.
    pub written: u64,
}

impl Table {
    /// The table of this name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into(), consumed: Arc::default() }
    }

    /// What DynamoDB has charged since this value (or the one it was cloned from) was made.
    pub fn consumed(&self) -> Consumed {
        Consumed {
            read: self.consumed.read.load(Ordering::Relaxed),
            written: self.consumed.written.load(Ordering::Relaxed),
        }
    }

    /// Opens a connection ahead of the first request, so that it is not the first request that waits for TLS.
    pub async fn warm(&self) {
        let answer = self.client.describe_endpoints().send().await;
        drop(answer);
    }

    fn charge_read(&self, capacity: Option<&ConsumedCapacity>) {
        charge(&self.consumed.read, capacity);
    }

    fn charge_write(&self, capacity: Option<&ConsumedCapacity>) {
        charge(&self.consumed.written, capacity);
    }
}

fn charge(meter: &AtomicU64, capacity: Option<&ConsumedCapacity>) {
    let units = capacity.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
    meter.fetch_add((units * 1000.0) as u64, Ordering::Relaxed);
}
