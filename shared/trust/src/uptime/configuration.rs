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
    /// Who decides.
    pub panel: Panel,
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
    /// too, the last; and so is that it goes on after all.
    pub fn reconfigure(
        &mut self,
        watch: Watch,
        checks: &[(Moment, Check)],
        panel: &Panel,
        mut salt: impl FnMut() -> Salt,
    ) {
        let turned = if watch.ended == self.watch.ended { None } else { watch.ended.or(self.watch.ended) };
        self.watch = watch;
        let mut version = |since: Moment, check: &Check| Configuration {
            since,
            check: check.clone(),
            salt: salt(),
            panel: panel.clone(),
        };
        for (since, check) in checks {
            let is_known = |known: &Configuration| known.since == *since && known.check == *check;
            if !self.configurations.iter().any(is_known) {
                self.configurations.push(version(*since, check));
            }
        }
        let last = self.configurations.iter().max_by_key(|version| version.since);
        if let (Some(since), Some(last)) = (turned, last) {
            let turned = version(since, &last.check);
            self.configurations.push(turned);
        }
    }

    /// Has a day be decided by this panel. If its version says otherwise, that is another version.
    pub fn decide_by(&mut self, panel: &Panel, day: Day, salt: impl FnOnce() -> Salt) {
        let Some((_, held)) = self.configuration_at(last_of(day)) else { return };
        if held.panel != *panel {
            let since = held.since.max(day.start());
            let decided = Configuration { since, salt: salt(), panel: panel.clone(), ..held.clone() };
            self.configurations.push(decided);
        }
    }

    /// The first step on the way from what was known of this monitor, in which the log has at most so many leaves to hear of: windows
    /// first, since they have to be there before they start. The last step is all of it.
    #[must_use]
    pub fn step_from(&self, watch: &Watch, versions: usize, most: usize) -> Self {
        let mut left = most;
        let mut take = |is_new: bool| {
            let takes = !is_new || left > 0;
            left -= usize::from(is_new && takes);
            takes
        };
        let mut step = self.clone();
        step.watch.windows.retain(|window| take(!watch.windows.contains(window)));
        let mut number = 0;
        step.configurations.retain(|_| {
            number += 1;
            take(number > versions)
        });
        if step.configurations.len() < self.configurations.len() {
            // Its end is a version, too, the last.
            step.watch.ended = watch.ended;
        }
        step
    }

    /// What the log is to say of a version, from 1 on. `None` if there is none of this number, or the monitor never runs.
    pub fn leaf(&self, number: u32) -> Option<MonitorLeaf> {
        let version = self.configurations.get(usize::try_from(number.checked_sub(1)?).ok()?)?;
        let Watch { service, schedule, ended, .. } = &self.watch;
        let since = schedule.running.iter().next()?.from;
        let ended = ended.filter(|ended| *ended <= version.since && since < *ended);
        Some(MonitorLeaf {
            monitor: service.monitor.clone(),
            version: number,
            from: version.since,
            grid: schedule.grid,
            panel: version.panel.clone(),
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
        self.configuration_at(last_of(day)).map_or(1, |(number, _)| number)
    }
}

/// The last second of a day.
fn last_of(day: Day) -> Moment {
    day.next().start().plus(-1)
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

    fn panel(of: &str) -> Panel {
        Panel::new([of.parse().unwrap()].into()).unwrap()
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
            lapses: None,
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
            monitor.reconfigure(monitor.watch.clone(), checks, &panel("eu"), || salts.next().unwrap());
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
        let salt = || Salt([7; 16]);
        monitor.reconfigure(monitor.watch.clone(), &[(at(0), check(80))], &panel("eu"), salt);
        let leaf = monitor.leaf(1).unwrap();
        assert!(leaf.is_opened_by(&[7; 16], &check(80).canonical()));
        assert!(!leaf.is_opened_by(&[7; 16], &check(81).canonical()));
        assert_eq!((leaf.from, leaf.lifetime.since(), leaf.lifetime.ended()), (at(0), at(0), None));
        let ended = Watch { ended: Some(at(60)), ..monitor.watch.clone() };
        for _ in 0..2 {
            monitor.reconfigure(ended.clone(), &[(at(0), check(80))], &panel("eu"), salt);
        }
        assert_eq!(monitor.configurations.len(), 2);
        assert_eq!(monitor.leaf(1).unwrap(), leaf);
        assert_eq!(monitor.leaf(2).unwrap().lifetime.ended(), Some(at(60)));
        assert_eq!((monitor.leaf(0), monitor.leaf(3)), (None, None));
    }

    #[test]
    fn another_panel_is_another_version_from_the_day_on_that_it_decides() {
        let mut monitor = monitor();
        let mut salts = (1..).map(|byte| Salt([byte; 16]));
        let checks = [(at(30), check(80))];
        monitor.reconfigure(monitor.watch.clone(), &checks, &panel("eu"), || salts.next().unwrap());
        let (day, tomorrow) = (at(0).day(), at(0).day().next());
        for _ in 0..2 {
            monitor.decide_by(&panel("eu"), day, || salts.next().unwrap());
            monitor.decide_by(&panel("us"), tomorrow, || salts.next().unwrap());
        }
        let leaf = monitor.leaf(2).unwrap();
        assert_eq!((monitor.configurations.len(), leaf.from), (2, tomorrow.start()));
        assert_eq!((leaf.panel, leaf.check), (panel("us"), check(80).kind()));
        assert_eq!((monitor.version_on(day), monitor.version_on(tomorrow)), (1, 2));
        // One that was made under the new panel, of a day that began under the old.
        monitor.configurations.truncate(1);
        monitor.decide_by(&panel("us"), day, || salts.next().unwrap());
        assert_eq!((monitor.version_on(day), monitor.leaf(2).unwrap().from), (2, at(30)));
    }

    #[test]
    fn many_changes_are_taken_in_steps_that_end_in_all_of_them() {
        use crate::uptime::maintenance::Window;
        let mut monitor = monitor();
        let before = monitor.watch.clone();
        let span = |hour: i64| Span { from: at(60 * hour), until: at(60 * hour + 1) };
        let windows = (0..7).map(|hour| Window { announced_at: at(0), span: span(hour) }).collect();
        let after = Watch { windows, ended: Some(at(900)), ..before.clone() };
        let checks: Vec<(Moment, Check)> = (0..11).map(|minute| (at(minute), check(minute as u16))).collect();
        monitor.reconfigure(after, &checks, &panel("eu"), || Salt([7; 16]));
        let (mut watch, mut versions, mut steps) = (before, 0, Vec::new());
        loop {
            let step = monitor.step_from(&watch, versions, 5);
            let windows = step.watch.windows.iter().filter(|window| !watch.windows.contains(window)).count();
            let leaves = windows + step.configurations.len() - versions;
            assert!((1..=5).contains(&leaves), "{leaves}");
            assert_eq!(step.watch.ended.is_some(), step == monitor, "the end comes last");
            (watch, versions) = (step.watch.clone(), step.configurations.len());
            steps.push(leaves);
            if step == monitor {
                break;
            }
        }
        assert_eq!(steps, [5, 5, 5, 4], "7 windows, 11 checks and the end");
        assert_eq!(monitor.step_from(&watch, versions, 5), monitor);
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
