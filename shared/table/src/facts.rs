//! What is known of a provider's monitors, ready to be served: for each the sealed days, and the current ones.

use serde::{Deserialize, Serialize};
use trust::{
    id::ProviderId,
    time::Day,
    uptime::{
        day::Latencies,
        facts::{Current, Facts, Sealed, Watch},
        names::MonitorId,
        record::DayRecord,
    },
};

use crate::{
    Freshness, LeafName, Table, TableError,
    item::{self, Range},
    keys::{self, END},
    log,
    reviews::Corrected,
};

/// What changes within a day, with what anybody may know of the monitor.
#[derive(Serialize, Deserialize)]
pub(crate) struct Now {
    pub(crate) watch: Watch,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<Current>,
    /// The version of the sealed days that it was written with or beside: older ones are not to be read with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sealed: Option<u64>,
}

impl Now {
    /// What changes of these facts, to be written beside sealed days of this version.
    pub(crate) fn of(facts: &Facts, sealed: u64) -> Self {
        Self { watch: facts.watch.clone(), current: facts.current.clone(), sealed: Some(sealed) }
    }
}

/// A day that is sealed, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedDay {
    /// The record's text, exactly as it is in the log.
    pub record: String,
    /// How long the answers took, as it was sealed, in a form that days sum in.
    pub latencies: Latencies,
    /// Its place in the log; absent while it waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
    /// What it was corrected to, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<Corrected>,
}

impl SealedDay {
    /// The record of the day as it counts: corrected, if it was.
    pub fn counting(&self) -> &str {
        self.corrected.as_ref().map_or(&self.record, |corrected| &corrected.record)
    }

    /// How long the answers took that count.
    pub fn latencies_counting(&self) -> &Latencies {
        self.corrected.as_ref().map_or(&self.latencies, |corrected| &corrected.latencies)
    }
}

/// Facts as they were read, with what is needed to write them back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFacts {
    /// The facts.
    pub facts: Facts,
    settled_as: Option<Watch>,
    pub(crate) current: u64,
    pub(crate) sealed: u64,
}

impl StoredFacts {
    /// Other facts in the place of these.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&Facts) -> Facts) -> Self {
        let Self { facts, settled_as, current, sealed } = self;
        Self { facts: change(facts), settled_as: settled_as.clone(), current: *current, sealed: *sealed }
    }

    /// Whether what is current is of the monitor as it is now: what was announced or wished for since may have made earlier slots others.
    pub fn is_current(&self) -> bool {
        self.settled_as.as_ref() == Some(&self.facts.watch)
    }
}

impl Table {
    /// The facts of a monitor; those of one of which nothing is known yet where there are none.
    pub async fn facts(&self, watch: &Watch) -> Result<StoredFacts, TableError> {
        let service = &watch.service;
        // In this order: a day that is sealed in between is seen as such, and what was current is not taken for it.
        let now = self.stored::<Now>(&keys::current_facts(&service.provider, &service.monitor)).await?;
        let at_least = now.as_ref().and_then(|now| now.value.sealed);
        let key = keys::sealed_facts(&service.provider, &service.monitor);
        let sealed = self.stored_since::<Sealed>(&key, at_least).await?;
        let (sealed, sealed_version) =
            sealed.map_or_else(Default::default, |stored| (stored.value, stored.version));
        let (now, current) = now.map_or((None, 0), |stored| (Some(stored.value), stored.version));
        let (settled_as, known) = now.map_or((None, None), |now| (Some(now.watch), now.current));
        let facts = Facts::read(watch.clone(), sealed, known);
        Ok(StoredFacts { facts, settled_as, current, sealed: sealed_version })
    }

    /// The facts of all monitors of a provider, as of a moment ago.
    pub async fn facts_of(&self, provider: &ProviderId) -> Result<Vec<Facts>, TableError> {
        let range = Range { pk: keys::uptime(provider), from: "!", to: END };
        let mut found: Vec<Facts> = Vec::new();
        let mut sealed: Vec<(String, Sealed)> = Vec::new();
        for item in self.all_relaxed(&range).await? {
            let key = item::sort_key(&item).to_owned();
            if let Some(monitor) = key.strip_suffix(keys::NOW) {
                let Now { watch, current, .. } = item::read(item)?;
                let of_it = sealed.iter().position(|(of, _)| of == monitor);
                let sealed = of_it.map(|place| sealed.swap_remove(place).1).unwrap_or_default();
                found.push(Facts::read(watch, sealed, current));
            } else {
                sealed.push((key, item::read(item)?));
            }
        }
        Ok(found)
    }

    /// Writes what is known beyond the sealed days, on condition that nobody else has meanwhile.
    pub async fn write_current(&self, stored: &StoredFacts) -> Result<(), TableError> {
        let Watch { service, .. } = &stored.facts.watch;
        let now = Now::of(&stored.facts, stored.sealed);
        let item = item::item(&keys::current_facts(&service.provider, &service.monitor), &now)?;
        self.put_if(item, stored.current).await
    }

    /// Writes facts in which a day more is sealed, together with its record, which is then to be appended to the log, and with what
    /// it adds to the provider's signal.
    pub async fn write_sealed(
        &self,
        stored: &StoredFacts,
        record: &DayRecord,
        latencies: Latencies,
    ) -> Result<(), TableError> {
        let service = &stored.facts.watch.service;
        let day = record.day().day;
        let kept = SealedDay { record: record.encode(), latencies, leaf: None, corrected: None };
        let (provider, monitor) = (&service.provider, &service.monitor);
        let waiting = log::awaiting(&LeafName::day(monitor, day), &kept.record);
        let counted = stored.facts.counted(record.day());
        let mut writes = vec![
            self.put_versioned(&keys::sealed_facts(provider, monitor), &stored.facts.sealed, stored.sealed)?,
            self.put_versioned(
                &keys::current_facts(provider, monitor),
                &Now::of(&stored.facts, stored.sealed + 1),
                stored.current,
            )?,
            self.put_versioned(&keys::record_of(monitor, day), &kept, 0)?,
            self.put_any(waiting)?,
        ];
        writes.extend(self.uptime_changes(&counted)?);
        self.transact(writes).await
    }

    /// A sealed day.
    pub async fn sealed_day(&self, monitor: &MonitorId, day: Day) -> Result<Option<SealedDay>, TableError> {
        Ok(self.stored(&keys::record_of(monitor, day)).await?.map(|stored| stored.value))
    }

    /// The sealed days from one up to and including another.
    pub async fn sealed_days(
        &self,
        monitor: &MonitorId,
        first: Day,
        last: Day,
        freshness: Freshness,
    ) -> Result<Vec<SealedDay>, TableError> {
        let (from, to) = (keys::record_of(monitor, first).sk, keys::record_of(monitor, last).sk);
        let range = Range { pk: keys::monitor(monitor), from: &from, to: &to };
        self.query_all(&range, freshness).await?.into_iter().map(item::read).collect()
    }
}
