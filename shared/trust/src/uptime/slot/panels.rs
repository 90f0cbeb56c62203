//! Which panel decided when. A day is decided by those who were to watch it as it began, whoever is to watch by now: a change of the
//! setting makes no day another.

use serde::{Deserialize, Serialize};

use super::Panel;
use crate::time::{Day, Moment};

/// The panels there were, each with the time from which on it was in force, by time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panels {
    panels: Vec<(Moment, Panel)>,
}

/// Days for which panels are remembered: longer than what was seen of a day is kept, so that none can be decided any more.
const KEPT_DAYS: u16 = 60;

impl Panels {
    /// Takes note of the panel that is set now. Whether that is news.
    pub fn note(&mut self, panel: &Panel, now: Moment) -> bool {
        if self.panels.last().is_some_and(|(_, last)| last == panel) {
            return false;
        }
        self.panels.push((now, panel.clone()));
        self.panels.sort_by_key(|(since, _)| *since);
        let oldest = now.day().minus(KEPT_DAYS).start();
        let decided = self.panels.iter().filter(|(since, _)| *since <= oldest).count();
        self.panels.drain(..decided.saturating_sub(1));
        true
    }

    /// The panel that was in force as a day began; of a day before all of them, the first. `None` if there is none at all.
    pub fn on(&self, day: Day) -> Option<&Panel> {
        let held = self.panels.iter().rfind(|(since, _)| *since <= day.start());
        held.or(self.panels.first()).map(|(_, panel)| panel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Moment {
        Moment::parse("2028-02-28T00:00:00Z").unwrap().plus(hours * 3600)
    }

    fn panel(of: &str) -> Panel {
        Panel::new(of.split(' ').map(|name| name.parse().unwrap()).collect()).unwrap()
    }

    #[test]
    fn a_day_is_decided_by_the_panel_that_was_in_force_as_it_began() {
        let mut panels = Panels::default();
        assert_eq!(panels.on(at(0).day()), None);
        assert!(panels.note(&panel("a"), at(5)) && !panels.note(&panel("a"), at(6)));
        assert!(panels.note(&panel("a b"), at(30)) && panels.note(&panel("b"), at(48)));
        let of = |hours| panels.on(at(hours).day()).unwrap().clone();
        assert_eq!([of(-50), of(0), of(24), of(48)], [panel("a"), panel("a"), panel("a"), panel("b")]);
    }

    #[test]
    fn panels_that_decide_nothing_any_more_are_forgotten() {
        let mut panels = Panels::default();
        for day in 0..200 {
            panels.note(&panel(if day % 2 == 0 { "a" } else { "b" }), at(24 * day));
        }
        assert_eq!(panels.panels.len(), usize::from(KEPT_DAYS) + 1);
        assert_eq!(panels.on(at(24 * 150).day()), Some(&panel("a")));
    }
}
