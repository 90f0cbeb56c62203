//! Monitors: what is wished for, how each is asked, and in which shard it stands.
//!
//! A monitor is in three places, written together: its own partition says everything of it; its shard's says what a worker needs to
//! ask it; and the list of shards says how many stand in each.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};
use trust::{
    id::ContractId,
    time::Moment,
    uptime::{
        check::Check,
        configuration::{Configuration, Monitor, Salt},
        facts::Watch,
        leaves::MaintenanceLeaf,
        maintenance::Window,
        monitor::Monitoring,
        names::{MonitorId, Vantage},
        outage::Service,
        review::first_changed,
        schedule::Schedule,
        shard::{MOST_MONITORS, Place, ShardId},
        slot::{Panel, Panels},
    },
};

use crate::{
    Freshness, LeafName, Stored, Table, TableError,
    item::{self, Order, Range, TRANSACTION_LIMIT},
    keys::{self, END},
    log,
};

/// Most leaves that are written together with a monitor: what else is written with it has room in the same transaction.
const MOST_LEAVES: usize = TRANSACTION_LIMIT - 10;

/// What a worker needs to ask a monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Whose it is.
    #[serde(flatten)]
    pub service: Service,
    /// Its number in the shard.
    pub number: u32,
    /// When it is asked.
    pub schedule: Schedule,
    /// How it is asked from when on.
    pub checks: Vec<(Moment, Check)>,
    /// What was last made of it.
    #[serde(default)]
    pub known: Known,
    /// What places that ask had said of it by then, those that said otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub heard: BTreeMap<Vantage, Known>,
}

impl Asked {
    /// How it is asked at a moment.
    pub fn check_at(&self, at: Moment) -> Option<&Check> {
        let held = self.checks.iter().filter(|(since, _)| *since <= at).max_by_key(|(since, _)| *since);
        held.or(self.checks.first()).map(|(_, check)| check)
    }
}

/// What was last made of a monitor: whoever sees otherwise has it looked at at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// Nothing yet.
    #[default]
    Nothing,
    /// It is not down.
    Fine,
    /// It is down.
    Down,
}

/// Most monitors that are named in one message: their ids stay well below its limit.
pub const MOST_LOOKED_AT: usize = 250;

/// Most monitors of a shard that are read by their names: each costs half a read unit, a full shard some twenty.
const MOST_BY_NAME: usize = 40;

/// How full a shard is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Filling {
    monitors: u32,
    next: u32,
    /// Before this there is nothing to seal. Not known where monitors came since it was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_until: Option<Moment>,
}

/// How far planning has come.
#[derive(Debug, Serialize, Deserialize)]
struct Planned {
    through: Moment,
}

impl Table {
    /// What is to be watched for a contract.
    pub async fn monitoring(&self, of: &ContractId) -> Result<Option<Stored<Monitoring>>, TableError> {
        self.stored(&keys::monitoring(of)).await
    }

    /// Writes what is to be watched for a contract, on condition that nobody else has meanwhile.
    pub async fn write_monitoring(
        &self,
        of: &ContractId,
        monitoring: &Monitoring,
        read: u64,
    ) -> Result<(), TableError> {
        self.put_if(item::item(&keys::monitoring(of), monitoring)?, read).await
    }

    /// A monitor.
    pub async fn monitor(&self, id: &MonitorId) -> Result<Option<Stored<Monitor>>, TableError> {
        self.stored(&keys::monitor_itself(id)).await
    }

    /// Gives a new monitor a place in a shard that is not full, and writes it there. The log is to hear of all its versions and windows;
    /// where they are many, the monitor is written in several steps, and whoever is cut off goes on by [`Table::write_monitor`].
    pub async fn add_monitor(
        &self,
        watch: Watch,
        checks: &[(Moment, Check)],
        panel: &Panel,
        salt: impl FnMut() -> Salt,
    ) -> Result<Monitor, TableError> {
        let shard = self.shard_with_room(ShardId::first_for(watch.schedule.grid)).await?;
        let stored = self.stored::<Filling>(&keys::shard_itself(shard)).await?;
        let (filling, read) = stored.map_or((Filling::default(), 0), |stored| (stored.value, stored.version));
        let place = Place { shard, number: filling.next };
        let filling = Filling { monitors: filling.monitors + 1, next: filling.next + 1, idle_until: None };
        // As one that goes on, so that its end, if it has one, is a version of its own.
        let unending = Watch { ended: None, ..watch.clone() };
        let mut monitor = Monitor { watch: unending, configurations: Vec::new(), place };
        let nothing = Watch { windows: Vec::new(), ..monitor.watch.clone() };
        monitor.reconfigure(watch, checks, panel, salt);
        let step = monitor.step_from(&nothing, 0, MOST_LEAVES);
        let mut writes = vec![
            self.put_versioned(&keys::monitor_itself(&monitor.watch.service.monitor), &step, 0)?,
            self.put_any(item::item(&asked_key(&step), &asked(&step, Known::Nothing))?)?,
        ];
        writes.extend(self.fill(shard, filling, read)?);
        writes.extend(self.new_leaves(&step, 0, &[])?);
        self.transact(writes).await?;
        if step != monitor {
            self.write_monitor(&Stored { value: step, version: 1 }, &monitor).await?;
        }
        Ok(monitor)
    }

    /// The first shard with room among those of a shard's stretch: a new one if all are full.
    async fn shard_with_room(&self, among: ShardId) -> Result<ShardId, TableError> {
        let stretch = format!("{}-", among.stretch());
        let (with_room, all) = (format!("{}{stretch}", keys::ROOM), stretch);
        for (from, order) in [(&with_room, Order::Ascending), (&all, Order::Descending)] {
            let to = format!("{from}{END}");
            let range = Range { pk: keys::SHARDS.to_owned(), from, to: &to };
            let Some(item) = self.page(&range, order, 1).await?.0.pop() else { continue };
            let key = item::sort_key(&item);
            let shard: &str = key.strip_prefix(keys::ROOM).unwrap_or(key);
            let shard: ShardId = shard.parse().map_err(|error| TableError::corrupt(key, &error))?;
            return Ok(if order == Order::Ascending { shard } else { shard.next() });
        }
        Ok(among.first())
    }

    /// How full a shard is, and that new monitors find room there, or none.
    fn fill(
        &self,
        shard: ShardId,
        filling: Filling,
        read: u64,
    ) -> Result<[TransactWriteItem; 2], TableError> {
        let room = keys::room(shard);
        let has_room = filling.monitors < MOST_MONITORS;
        Ok([
            self.put_versioned(&keys::shard_itself(shard), &filling, read)?,
            if has_room { self.put_any(item::keyed(&room))? } else { self.delete(&room)? },
        ])
    }

    /// Writes a monitor of which something else is to be watched. Where days before today may be others by that, it is noted that they
    /// are looked at again.
    pub async fn change_monitor(
        &self,
        before: &Stored<Monitor>,
        monitor: &Monitor,
        now: Moment,
    ) -> Result<(), TableError> {
        // Before the change is written: were it the other way round, who is cut off in between would leave days as they are.
        let since = first_changed(&before.value.watch, &monitor.watch);
        if let Some(since) = since.filter(|since| *since < now.day()) {
            self.note_review(&monitor.watch.service.monitor, since, now).await?;
        }
        self.write_monitor(before, monitor).await
    }

    /// Writes a monitor that has changed, on condition that nobody else has meanwhile. The log is to hear of what is new; where that is
    /// much, in several steps.
    pub async fn write_monitor(&self, before: &Stored<Monitor>, monitor: &Monitor) -> Result<(), TableError> {
        let mut before = before.clone();
        loop {
            let Monitor { watch, configurations, .. } = &before.value;
            let step = monitor.step_from(watch, configurations.len(), MOST_LEAVES);
            self.write_step(&before, &step).await?;
            if step == *monitor {
                return Ok(());
            }
            before = Stored { value: step, version: before.version + 1 };
        }
    }

    async fn write_step(&self, before: &Stored<Monitor>, monitor: &Monitor) -> Result<(), TableError> {
        let id = &monitor.watch.service.monitor;
        let mut writes = vec![self.put_versioned(&keys::monitor_itself(id), monitor, before.version)?];
        if let Some(item) = self.get(&asked_key(monitor)).await? {
            let known = item::read::<Asked>(item)?.known;
            writes.push(self.put_existing(item::item(&asked_key(monitor), &asked(monitor, known))?)?);
        } else if goes_on(&before.value.watch, &monitor.watch) {
            let shard = monitor.place.shard;
            let stored = self.stored::<Filling>(&keys::shard_itself(shard)).await?;
            let (filling, read) =
                stored.map_or((Filling::default(), 0), |stored| (stored.value, stored.version));
            let filling = Filling { monitors: filling.monitors + 1, idle_until: None, ..filling };
            writes.extend(self.fill(shard, filling, read)?);
            writes.push(self.put_any(item::item(&asked_key(monitor), &asked(monitor, Known::Nothing))?)?);
        }
        let Monitor { watch, configurations, .. } = &before.value;
        writes.extend(self.new_leaves(monitor, configurations.len(), &watch.windows)?);
        self.transact(writes).await
    }

    /// What the log does not know yet: versions beyond so many, and windows that are not among these.
    fn new_leaves(
        &self,
        monitor: &Monitor,
        versions: usize,
        windows: &[Window],
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        let id = &monitor.watch.service.monitor;
        let mut leaves: Vec<(LeafName, String)> = Vec::new();
        for (number, _) in (1..).zip(&monitor.configurations).skip(versions) {
            let leaf = monitor.leaf(number).map(|leaf| leaf.encode());
            leaves.extend(leaf.map(|leaf| (LeafName::monitor(id, number), leaf)));
        }
        for window in monitor.watch.windows.iter().filter(|window| !windows.contains(window)) {
            let leaf = MaintenanceLeaf::new(id.clone(), *window).ok().map(|leaf| leaf.encode());
            leaves.extend(leaf.map(|leaf| (LeafName::maintenance(id, *window), leaf)));
        }
        leaves.iter().map(|(name, leaf)| self.put_any(log::awaiting(name, leaf))).collect()
    }

    /// The panels there were.
    pub async fn panels(&self) -> Result<Stored<Panels>, TableError> {
        let stored = self.stored(&keys::panels()).await?;
        Ok(stored.unwrap_or(Stored { value: Panels::default(), version: 0 }))
    }

    /// Writes which panels there were, on condition that nobody else has meanwhile.
    pub async fn write_panels(&self, panels: &Panels, read: u64) -> Result<(), TableError> {
        self.put_if(item::item(&keys::panels(), panels)?, read).await
    }

    /// The last minute for which a vantage has planned all shards.
    pub async fn planned_through(&self, from: &Vantage) -> Result<Stored<Option<Moment>>, TableError> {
        let stored = self.stored::<Planned>(&keys::planned(from)).await?;
        let (value, version) =
            stored.map_or((None, 0), |stored| (Some(stored.value.through), stored.version));
        Ok(Stored { value, version })
    }

    /// Notes the last minute for which a vantage has planned all shards, on condition that nobody else has meanwhile.
    pub async fn note_planned(&self, from: &Vantage, through: Moment, read: u64) -> Result<(), TableError> {
        self.put_if(item::item(&keys::planned(from), &Planned { through })?, read).await
    }

    /// All shards that hold a monitor.
    pub async fn shards(&self) -> Result<Vec<ShardId>, TableError> {
        Ok(self.filled().await?.into_iter().map(|(shard, _)| shard).collect())
    }

    /// Those of them of which a day may be to be sealed at a moment.
    pub async fn shards_to_seal(&self, now: Moment) -> Result<Vec<ShardId>, TableError> {
        let is_due = |filling: &Filling| filling.idle_until.is_none_or(|until| until <= now);
        let filled = self.filled().await?;
        Ok(filled.into_iter().filter(|(_, filling)| is_due(filling)).map(|(shard, _)| shard).collect())
    }

    /// The version of what is known of a shard itself, which changes with its monitors.
    pub async fn shard_version(&self, shard: ShardId) -> Result<u64, TableError> {
        let stored = self.stored::<Filling>(&keys::shard_itself(shard)).await?;
        Ok(stored.map_or(0, |stored| stored.version))
    }

    /// Notes that nothing of a shard is to be sealed before a moment, on condition that its monitors are those of this version.
    pub async fn note_idle(&self, shard: ShardId, until: Moment, version: u64) -> Result<(), TableError> {
        let key = keys::shard_itself(shard);
        let Some(stored) = self.stored::<Filling>(&key).await? else { return Ok(()) };
        let filling = Filling { idle_until: Some(until), ..stored.value };
        self.put_if(item::item(&key, &filling)?, version).await
    }

    async fn filled(&self) -> Result<Vec<(ShardId, Filling)>, TableError> {
        // Their ids begin with a digit.
        let range = Range { pk: keys::SHARDS.to_owned(), from: "0", to: "9~" };
        let mut shards = Vec::new();
        for item in self.all(&range).await? {
            let key = item::sort_key(&item);
            let shard = key.parse().map_err(|error| TableError::corrupt(key, &error))?;
            let filling: Filling = item::read(item)?;
            if filling.monitors > 0 {
                shards.push((shard, filling));
            }
        }
        Ok(shards)
    }

    /// The monitors of a shard.
    pub async fn asked_in(&self, shard: ShardId) -> Result<Vec<Asked>, TableError> {
        let range = Range { pk: keys::shard(shard), from: "!", to: END };
        self.all_relaxed(&range).await?.into_iter().map(item::read).collect()
    }

    /// These monitors of a shard, those of them that are in it.
    pub async fn asked_of(
        &self,
        shard: ShardId,
        monitors: &BTreeSet<MonitorId>,
    ) -> Result<Vec<Asked>, TableError> {
        if monitors.len() > MOST_BY_NAME {
            let mut asked = self.asked_in(shard).await?;
            asked.retain(|asked| monitors.contains(&asked.service.monitor));
            return Ok(asked);
        }
        let keys: Vec<keys::Key> = monitors.iter().map(|monitor| keys::asked(shard, monitor)).collect();
        let found = self.get_batch(&keys, Freshness::Recent).await?;
        found.into_iter().flatten().map(item::read).collect()
    }

    /// Notes what was made of a monitor, for those who ask it next. One that was retired meanwhile stays so.
    pub async fn note_known(
        &self,
        shard: ShardId,
        monitor: &MonitorId,
        known: Known,
    ) -> Result<(), TableError> {
        let known = serde_dynamo::to_attribute_value(known)?;
        match self.set_existing(&keys::asked(shard, monitor), "known", known).await {
            Err(TableError::Conflict) => Ok(()),
            outcome => outcome,
        }
    }

    /// Notes what places had said of a monitor when it was last looked at, those that said otherwise than is known. One that was retired meanwhile stays so.
    pub async fn note_heard(
        &self,
        shard: ShardId,
        monitor: &MonitorId,
        heard: &BTreeMap<Vantage, Known>,
    ) -> Result<(), TableError> {
        let heard = serde_dynamo::to_attribute_value(heard)?;
        match self.set_existing(&keys::asked(shard, monitor), "heard", heard).await {
            Err(TableError::Conflict) => Ok(()),
            outcome => outcome,
        }
    }

    /// Takes a monitor out of its shard: it is asked no more, and all its days are sealed.
    pub async fn retire_monitor(&self, shard: ShardId, monitor: &MonitorId) -> Result<(), TableError> {
        let key = keys::asked(shard, monitor);
        if self.get(&key).await?.is_none() {
            return Ok(());
        }
        let Some(stored) = self.stored::<Filling>(&keys::shard_itself(shard)).await? else { return Ok(()) };
        let filling = Filling { monitors: stored.value.monitors.saturating_sub(1), ..stored.value };
        let mut writes = vec![self.delete_existing(&key)?];
        writes.extend(self.fill(shard, filling, stored.version)?);
        self.transact(writes).await
    }
}

/// Whether a monitor that has ended, and so may have been taken out of its shard, goes on after all. One that has not stays out.
fn goes_on(before: &Watch, after: &Watch) -> bool {
    before.ended.is_some_and(|ended| after.ended.is_none_or(|later| ended < later))
}

fn asked_key(monitor: &Monitor) -> keys::Key {
    keys::asked(monitor.place.shard, &monitor.watch.service.monitor)
}

fn asked(monitor: &Monitor, known: Known) -> Asked {
    let check = |Configuration { since, check, .. }: &Configuration| (*since, check.clone());
    Asked {
        service: monitor.watch.service.clone(),
        number: monitor.place.number,
        schedule: monitor.watch.schedule.clone(),
        checks: monitor.configurations.iter().map(check).collect(),
        known,
        // Found out anew: it may be another target.
        heard: BTreeMap::new(),
    }
}
