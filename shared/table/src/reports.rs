//! What others say of monitors: their statements for some days, and what became of them. Apart from what we saw.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trust::{
    id::ProviderId,
    time::Moment,
    uptime::{
        names::MonitorId,
        reports::{Reported, Statement},
    },
};

use crate::{
    Stored, Table, TableError,
    item::{self, Range},
    keys::{self, END},
};

/// Statements of one monitor and hour that are kept: the earliest, whatever came first. Four agents that speak every minute have room;
/// without a limit whoever has a key could fill an item.
const MOST_AN_HOUR: usize = 300;

/// For how many seconds statements are kept: until their days are final, and somebody can still look into what became of them.
const KEPT: i64 = 14 * 86_400;

/// How often a write is decided again after losing a race.
const RACES: usize = 5;

#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
struct Hour {
    statements: BTreeSet<Statement>,
}

impl Table {
    /// Adds statements on a monitor. One that is there already changes nothing.
    pub async fn add_statements(
        &self,
        monitor: &MonitorId,
        statements: &[Statement],
    ) -> Result<(), TableError> {
        let mut hours: BTreeMap<i64, BTreeSet<Statement>> = BTreeMap::new();
        for statement in statements {
            hours.entry(statement.at.unix().div_euclid(3600)).or_default().insert(*statement);
        }
        for (hour, statements) in hours {
            self.add_to_hour(monitor, hour * 3600, &statements).await?;
        }
        Ok(())
    }

    async fn add_to_hour(
        &self,
        monitor: &MonitorId,
        hour: i64,
        statements: &BTreeSet<Statement>,
    ) -> Result<(), TableError> {
        let key = keys::statements(monitor, hour);
        for _ in 0..RACES {
            let stored = self.stored::<Hour>(&key).await?;
            let (known, read) = stored.map_or((Hour::default(), 0), |stored| (stored.value, stored.version));
            // The earliest of all, in whatever order they come.
            let all = known.statements.union(statements).copied().take(MOST_AN_HOUR).collect();
            let hour_now = Hour { statements: all };
            if hour_now == known {
                return Ok(());
            }
            let mut item = item::item(&key, &hour_now)?;
            item.insert("expires_at".to_owned(), item::number(hour + KEPT));
            match self.put_if(item, read).await {
                Err(TableError::Conflict) => {}
                outcome => return outcome,
            }
        }
        Err(TableError::Conflict)
    }

    /// The statements on a monitor from the hour of one moment through that of another.
    pub async fn statements(
        &self,
        monitor: &MonitorId,
        from: Moment,
        until: Moment,
    ) -> Result<BTreeSet<Statement>, TableError> {
        let hour = |at: Moment| keys::statements(monitor, at.unix().div_euclid(3600) * 3600);
        let (from, to) = (hour(from), hour(until));
        let range = Range { pk: from.pk, from: &from.sk, to: &to.sk };
        let mut all = BTreeSet::new();
        for item in self.all(&range).await? {
            all.extend(item::read::<Hour>(item)?.statements);
        }
        Ok(all)
    }

    /// What was said of a monitor, worked out.
    pub async fn reported(
        &self,
        provider: &ProviderId,
        monitor: &MonitorId,
    ) -> Result<Stored<Reported>, TableError> {
        let stored = self.stored(&keys::reported(provider, monitor)).await?;
        Ok(stored.unwrap_or(Stored { value: Reported::default(), version: 0 }))
    }

    /// Writes what was said of a monitor, on condition that nobody else has meanwhile.
    pub async fn write_reported(
        &self,
        provider: &ProviderId,
        monitor: &MonitorId,
        reported: &Reported,
        read: u64,
    ) -> Result<(), TableError> {
        self.put_if(item::item(&keys::reported(provider, monitor), reported)?, read).await
    }

    /// What was said of a provider's monitors, as of a moment ago; only of those of which anything was.
    pub async fn reported_of(
        &self,
        provider: &ProviderId,
    ) -> Result<BTreeMap<MonitorId, Reported>, TableError> {
        let range = Range { pk: keys::reported_of(provider), from: "!", to: END };
        let mut found = BTreeMap::new();
        for item in self.all_relaxed(&range).await? {
            let key = item::sort_key(&item);
            let monitor = key.parse().map_err(|error| TableError::corrupt(key, &error))?;
            found.insert(monitor, item::read(item)?);
        }
        Ok(found)
    }
}
