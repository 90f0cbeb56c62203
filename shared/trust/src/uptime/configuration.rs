//! A monitor as it is kept: what anybody may know of it, how it is asked, and where it stands.
//!
//! Each way of asking is a version, numbered from 1 in the order in which we learned of it, and committed to in the log by a salted
//! hash: the parties, who are given the salt, can tell that it was their endpoint, and nobody else can.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{Day, Moment};

use super::{
    check::Check,
    facts::Watch,
    leaves::{Lifetime, MonitorLeaf, commitment},
    shard::Place,
    slot::Panel,
};

/// What makes the hash of a target impossible to guess: 16 random bytes, in hex.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt(pub [u8; 16]);

/// Hides the salt, so that no log line can open what the public log commits to.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// A text that is not 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a salt has 32 hex digits")]
pub struct InvalidSalt;

impl TryFrom<String> for Salt {
    type Error = InvalidSalt;
    fn try_from(text: String) -> Result<Self, InvalidSalt> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidSalt)?;
        Ok(Self(bytes))
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        hex::encode(salt.0)
    }
}

/// One way of asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// From when on.
    pub since: Moment,
    /// What is asked.
    pub check: Check,
    /// What its hash is salted with.
    pub salt: Salt,
}

/// A monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitor {
    /// What anybody may know.
    pub watch: Watch,
    /// How it is asked, in the order in which we learned of it.
    pub configurations: Vec<Configuration>,
    /// Where it stands.
    pub place: Place,
}

impl Monitor {
    /// Takes over what the wishes say of it now. What was a version stays one: days were recorded under it. Its end is a version,
    /// too, the last.
    pub fn reconfigure(&mut self, watch: Watch, checks: &[(Moment, Check)], mut salt: impl FnMut() -> Salt) {
        let has_ended = watch.ended.filter(|_| watch.ended != self.watch.ended);
        self.watch = watch;
        for (since, check) in checks {
            let is_known = |known: &Configuration| known.since == *since && known.check == *check;
            if !self.configurations.iter().any(is_known) {
                self.configurations.push(Configuration { since: *since, check: check.clone(), salt: salt() });
            }
        }
        let last = self.configurations.iter().max_by_key(|version| version.since);
        if let (Some(since), Some(last)) = (has_ended, last) {
            self.configurations.push(Configuration { since, check: last.check.clone(), salt: salt() });
        }
    }

    /// What the log is to say of a version, from 1 on. `None` if there is none of this number, or the monitor never runs.
    pub fn leaf(&self, number: u32, panel: &Panel) -> Option<MonitorLeaf> {
        let version = self.configurations.get(usize::try_from(number.checked_sub(1)?).ok()?)?;
        let Watch { service, schedule, ended, .. } = &self.watch;
        let since = schedule.running.iter().next()?.from;
        let ended = ended.filter(|ended| *ended <= version.since && since < *ended);
        Some(MonitorLeaf {
            monitor: service.monitor.clone(),
            version: number,
            from: version.since,
            grid: schedule.grid,
            panel: panel.clone(),
            check: version.check.kind(),
            target: commitment(&version.salt.0, &version.check.canonical()),
            lifetime: Lifetime::new(since, ended).ok()?,
        })
    }

    /// The version that held last by a moment, and its number from 1; before the first, the first.
    pub fn configuration_at(&self, at: Moment) -> Option<(u32, &Configuration)> {
        let numbered = || (1..).zip(&self.configurations);
        let held = numbered().filter(|(_, version)| version.since <= at);
        held.max_by_key(|(_, version)| version.since).or_else(|| numbered().next())
    }

    /// The number of the version that held last on a day.
    pub fn version_on(&self, day: Day) -> u32 {
        self.configuration_at(day.next().start().plus(-1)).map_or(1, |(number, _)| number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::RentedBy;
    use super::*;
    use crate::uptime::{
        outage::Service,
        schedule::{Grid, Interval, Schedule},
        shard::ShardId,
        span::Span,
    };

    fn at(minutes: i64) -> Moment {
        Moment::parse("2026-11-24T00:00:00Z").unwrap().plus(minutes * 60)
    }

    fn check(port: u16) -> Check {
        Check::Tcp { host: "a.example".to_owned(), port }
    }

    fn monitor() -> Monitor {
        let grid = Grid::new(Interval::SHORTEST, 0).unwrap();
        let running = [Span::since(at(0))].into_iter().collect();
        let service =
            Service { provider: "p".parse().unwrap(), contract: None, monitor: "m".parse().unwrap() };
        let watch = Watch {
            service,
            name: "web".parse().unwrap(),
            kind: check(1).kind(),
            schedule: Schedule { grid, running },
            windows: Vec::new(),
            ended: None,
            sla: None,
            rented_by: RentedBy::Another,
        };
        Monitor {
            watch,
            configurations: Vec::new(),
            place: Place { shard: ShardId::first_for(grid), number: 1 },
        }
    }

    #[test]
    fn a_version_is_made_once_and_keeps_its_number_and_salt_when_an_earlier_one_turns_up() {
        let mut monitor = monitor();
        let mut salts = (1..).map(|byte| Salt([byte; 16]));
        let mut learn = |monitor: &mut Monitor, checks: &[(Moment, Check)]| {
            let known = monitor.configurations.len();
            monitor.reconfigure(monitor.watch.clone(), checks, || salts.next().unwrap());
            monitor.configurations.len() - known
        };
        assert_eq!(learn(&mut monitor, &[(at(0), check(80))]), 1);
        assert_eq!(learn(&mut monitor, &[(at(0), check(80)), (at(20), check(82))]), 1);
        assert_eq!(learn(&mut monitor, &[(at(0), check(80)), (at(10), check(81)), (at(20), check(82))]), 1);
        assert_eq!(learn(&mut monitor, &[(at(0), check(80)), (at(10), check(81)), (at(20), check(82))]), 0);
        let held = |minute| {
            let (number, version) = monitor.configuration_at(at(minute)).unwrap();
            (number, version.check.clone(), version.salt.0[0])
        };
        assert_eq!(held(-1), (1, check(80), 1));
        assert_eq!(held(0), (1, check(80), 1));
        assert_eq!(held(10), (3, check(81), 3));
        assert_eq!(held(20), (2, check(82), 2));
        assert_eq!(monitor.version_on(at(0).day()), 2);
    }

    #[test]
    fn the_log_commits_to_each_version_and_hears_of_the_end() {
        let mut monitor = monitor();
        let panel = Panel::new(["eu".parse().unwrap()].into()).unwrap();
        let salt = || Salt([7; 16]);
        monitor.reconfigure(monitor.watch.clone(), &[(at(0), check(80))], salt);
        let leaf = monitor.leaf(1, &panel).unwrap();
        assert!(leaf.is_opened_by(&[7; 16], &check(80).canonical()));
        assert!(!leaf.is_opened_by(&[7; 16], &check(81).canonical()));
        assert_eq!((leaf.from, leaf.lifetime.since(), leaf.lifetime.ended()), (at(0), at(0), None));
        let ended = Watch { ended: Some(at(60)), ..monitor.watch.clone() };
        for _ in 0..2 {
            monitor.reconfigure(ended.clone(), &[(at(0), check(80))], salt);
        }
        assert_eq!(monitor.configurations.len(), 2);
        assert_eq!(monitor.leaf(1, &panel).unwrap(), leaf);
        assert_eq!(monitor.leaf(2, &panel).unwrap().lifetime.ended(), Some(at(60)));
        assert_eq!((monitor.leaf(0, &panel), monitor.leaf(3, &panel)), (None, None));
    }

    #[test]
    fn a_salt_is_kept_as_hex_and_shows_nothing_of_itself() {
        let salt = Salt([0xab; 16]);
        let kept = serde_json::to_string(&salt).unwrap();
        assert_eq!(kept, format!("\"{}\"", "ab".repeat(16)));
        assert_eq!(serde_json::from_str::<Salt>(&kept).unwrap(), salt);
        assert!(serde_json::from_str::<Salt>("\"ab\"").is_err());
        assert!(!format!("{salt:?}").contains("ab"));
    }
}
