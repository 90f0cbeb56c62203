//! Days that are sealed and are to be looked at again, and what is corrected of them.

use serde::{Deserialize, Serialize};
use trust::{
    time::{Day, Moment},
    uptime::{
        day::{Latencies, MonitorDay},
        leaves::CorrectionLeaf,
        names::MonitorId,
        record::DayRecord,
    },
};

use crate::{
    Freshness, LeafName, LoggedVersion, SealedDay, Stored, StoredFacts, Table, TableError,
    facts::Now,
    item::{self, Range},
    keys::{self, END},
    log,
};

/// How often a write is decided again after losing a race.
const RACES: usize = 5;

/// Sealed days of a monitor that are to be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The first of them.
    pub since: Day,
    /// When that was last noted.
    pub noted_at: Moment,
}

/// What a day was corrected to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected {
    /// The record of the day as it is right.
    pub record: String,
    /// How long the answers took, in a form that days sum in.
    pub latencies: Latencies,
    /// How many corrections of the day there are, this one among them.
    pub number: u32,
}

/// A day as it is to be corrected.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The day as it is kept, and the version it was read with.
    pub known: Stored<SealedDay>,
    /// What the log is to say.
    pub leaf: CorrectionLeaf,
    /// The day as it has counted until now.
    pub was: MonitorDay,
    /// The day as it is right.
    pub right: DayRecord,
    /// How long the answers took.
    pub latencies: Latencies,
}

/// Most days of one [`Table::write_corrected`]: three writes each and two for all, within the hundred of a transaction.
pub const MOST_CORRECTED: usize = 32;

impl Table {
    /// Notes that a monitor's sealed days are to be looked at again from one on. Noted twice, the earlier day holds.
    pub async fn note_review(&self, monitor: &MonitorId, since: Day, now: Moment) -> Result<(), TableError> {
        let key = keys::review(monitor);
        for _ in 0..RACES {
            let stored = self.stored::<Review>(&key).await?;
            let (known, read) = stored.map_or((None, 0), |stored| (Some(stored.value), stored.version));
            let since = known.map_or(since, |known| known.since.min(since));
            let noted_at = known.map_or(now, |known| known.noted_at.max(now));
            match self.put_if(item::item(&key, &Review { since, noted_at })?, read).await {
                Err(TableError::Conflict) => {}
                outcome => return outcome,
            }
        }
        Err(TableError::Conflict)
    }

    /// The monitors of which sealed days are to be looked at again.
    pub async fn reviews(&self) -> Result<Vec<MonitorId>, TableError> {
        let range = Range { pk: keys::REVIEWS.to_owned(), from: "!", to: END };
        let monitor = |item: item::Item| {
            let key = item::sort_key(&item);
            key.parse().map_err(|error| TableError::corrupt(key, &error))
        };
        self.all(&range).await?.into_iter().map(monitor).collect()
    }

    /// Which of a monitor's sealed days are to be looked at again, if any are.
    pub async fn review(&self, of: &MonitorId) -> Result<Option<Stored<Review>>, TableError> {
        self.stored(&keys::review(of)).await
    }

    /// Has a review begin with a later day, or ends it where there is none, on condition that nothing was noted meanwhile.
    pub async fn finish_review(
        &self,
        of: &MonitorId,
        read: &Stored<Review>,
        left: Option<Day>,
    ) -> Result<(), TableError> {
        let key = keys::review(of);
        match left {
            None => self.delete_if(&key, read.version).await,
            Some(since) if since == read.value.since => Ok(()),
            Some(since) => {
                self.put_if(item::item(&key, &Review { since, ..read.value })?, read.version).await
            }
        }
    }

    /// The sealed days from one up to and including another, with the versions to write them back on.
    pub async fn days_to_review(
        &self,
        monitor: &MonitorId,
        first: Day,
        last: Day,
    ) -> Result<Vec<Stored<SealedDay>>, TableError> {
        let (from, to) = (keys::record_of(monitor, first).sk, keys::record_of(monitor, last).sk);
        let range = Range { pk: keys::monitor(monitor), from: &from, to: &to };
        let stored = |item: item::Item| {
            let version = item::unsigned(&item, "version").unwrap_or_default();
            Ok(Stored { value: item::read(item)?, version })
        };
        self.query_all(&range, Freshness::LastWrite).await?.into_iter().map(stored).collect()
    }

    /// Writes facts in which days are corrected, at most [`MOST_CORRECTED`], together with what the log is to say of them and with what
    /// they change in the provider's signal; on condition that nobody else has meanwhile.
    pub async fn write_corrected(
        &self,
        stored: &StoredFacts,
        corrections: Vec<Correction>,
    ) -> Result<(), TableError> {
        let service = &stored.facts.watch.service;
        let (provider, monitor) = (&service.provider, &service.monitor);
        let now = Now::of(&stored.facts, stored.sealed + 1);
        let mut writes = vec![
            self.put_versioned(&keys::sealed_facts(provider, monitor), &stored.facts.sealed, stored.sealed)?,
            self.put_versioned(&keys::current_facts(provider, monitor), &now, stored.current)?,
        ];
        for Correction { known: Stored { value, version }, leaf, was, right, latencies } in corrections {
            let day = right.day().day;
            writes.extend(self.uptime_changes(&stored.facts.recounted(&was, right.day()))?);
            let number = value.corrected.as_ref().map_or(0, |before| before.number).saturating_add(1);
            let corrected = Some(Corrected { record: right.encode(), latencies, number });
            writes.push(self.put_versioned(
                &keys::record_of(monitor, day),
                &SealedDay { corrected, ..value },
                version,
            )?);
            let name = LeafName::correction(monitor, day, number);
            writes.push(self.put_any(log::awaiting(&name, &leaf.encode()))?);
        }
        self.transact(writes).await
    }

    /// What the log says of days that were corrected, from one day up to and including another.
    pub async fn logged_corrections(
        &self,
        monitor: &MonitorId,
        first: Day,
        last: Day,
    ) -> Result<Vec<LoggedVersion>, TableError> {
        let (from, to) =
            (keys::correction_of(monitor, first, 0).sk, keys::correction_of(monitor, last, u32::MAX).sk);
        let range = Range { pk: keys::monitor(monitor), from: &from, to: &to };
        self.all_relaxed(&range).await?.into_iter().map(item::read).collect()
    }
}
