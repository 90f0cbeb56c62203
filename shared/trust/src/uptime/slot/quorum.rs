//! From what each vantage saw of a slot to what it was.
//!
//! A vantage alone decides by itself. Where several run it takes two that can tell, and more of one kind than
//! of the other: a failure seen from one place may be the way there.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Gap, Outcome, Reason, Seen};
use crate::uptime::names::Vantage;

/// Failed checks it takes for a vantage to call a target down: the first and its repetition. One alone would
/// turn each lost packet into an outage.
const FAILURES: u16 = 2;

/// The vantages that are to watch a monitor, from its configuration: 1 to 16 of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeSet<Vantage>", into = "BTreeSet<Vantage>")]
pub struct Panel(BTreeSet<Vantage>);

/// A panel of nobody, or of more than 16 vantages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a monitor is watched from 1 to 16 vantages, not from {0}")]
pub struct InvalidPanel(pub usize);

impl Panel {
    /// The most vantages. More would let a day's record outgrow its limit.
    pub const LARGEST: usize = 16;

    /// The panel of these vantages.
    pub fn new(vantages: BTreeSet<Vantage>) -> Result<Self, InvalidPanel> {
        let count = vantages.len();
        (1..=Self::LARGEST).contains(&count).then_some(Self(vantages)).ok_or(InvalidPanel(count))
    }

    /// Its vantages, by name.
    pub fn vantages(&self) -> &BTreeSet<Vantage> {
        &self.0
    }

    /// What a slot was, from the verdicts of this panel's vantages; those that gave none may be left out.
    ///
    /// With one vantage its verdict holds. With several, those that saw it up or down have to be at least
    /// two, and the greater number of them decides; the same number on both sides leaves it disputed. So
    /// `down` takes at least two that fail and more failures than successes; and `up` takes as many, or else
    /// missing vantages would let failures alone go unseen.
    pub fn decide(&self, verdicts: &[Verdict]) -> Seen {
        let needed = if self.0.len() > 1 { 2 } else { 1 };
        let up = verdicts.iter().filter(|verdict| **verdict == Verdict::Up).count();
        let down = verdicts.iter().filter(|verdict| verdict.reason().is_some()).count();
        if up + down < needed {
            let gaps = verdicts.iter().filter_map(|verdict| verdict.gap());
            return Seen::Unknown(gaps.max().unwrap_or(Gap::Silent));
        }
        if up == down {
            return Seen::Unknown(Gap::Disputed);
        }
        prevalent(verdicts).filter(|_| down > up).map_or(Seen::Up, Seen::Down)
    }
}

impl TryFrom<BTreeSet<Vantage>> for Panel {
    type Error = InvalidPanel;
    fn try_from(vantages: BTreeSet<Vantage>) -> Result<Self, InvalidPanel> {
        Self::new(vantages)
    }
}

impl From<Panel> for BTreeSet<Vantage> {
    fn from(panel: Panel) -> Self {
        panel.0
    }
}

/// The reason given most often; of several the first in their order.
fn prevalent(verdicts: &[Verdict]) -> Option<Reason> {
    verdicts.iter().find_map(|verdict| verdict.reason())?;
    let times = |reason: Reason| verdicts.iter().filter(|verdict| verdict.reason() == Some(reason)).count();
    // `max_by_key` takes the last of equals.
    Reason::ALL.into_iter().rev().max_by_key(|&reason| times(reason)).filter(|&reason| times(reason) > 0)
}

/// What one vantage says of a slot, after all its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing, and why.
    Nothing(Gap),
    /// It failed, and failed again when asked at once.
    Down(Reason),
    /// It answered, at the latest when asked again.
    Up,
}

impl Verdict {
    /// The verdict of one vantage, from the outcomes of its attempts in their order.
    ///
    /// An answer to any attempt is `up`. Down takes two failures; the last one gives the reason. One failure
    /// alone, as of a worker that died before repeating it, says nothing.
    pub fn of(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let (mut is_up, mut failures, mut last, mut gap) = (false, 0, None, None);
        for outcome in outcomes {
            match outcome {
                Outcome::Up { .. } => is_up = true,
                Outcome::Down(reason) => (failures, last) = (failures + 1, Some(reason)),
                Outcome::Nothing(nothing) => gap = gap.max(Some(Gap::from(nothing))),
            }
        }
        match last {
            _ if is_up => Self::Up,
            Some(reason) if failures >= FAILURES => Self::Down(reason),
            Some(_) => Self::Nothing(Gap::Unconfirmed),
            None => Self::Nothing(gap.unwrap_or(Gap::Silent)),
        }
    }

    fn reason(self) -> Option<Reason> {
        match self {
            Self::Down(reason) => Some(reason),
            Self::Up | Self::Nothing(_) => None,
        }
    }

    fn gap(self) -> Option<Gap> {
        match self {
            Self::Nothing(gap) => Some(gap),
            Self::Up | Self::Down(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::slot::Nothing;

    const UP: Outcome = Outcome::Up { latency_ms: 20 };
    const REFUSED: Outcome = Outcome::Down(Reason::Refused);
    const TIMEOUT: Outcome = Outcome::Down(Reason::Timeout);
    const LATE: Outcome = Outcome::Nothing(Nothing::Late);
    const FAULT: Outcome = Outcome::Nothing(Nothing::Fault);

    fn panel(vantages: usize) -> Panel {
        Panel::new((0..vantages).map(|number| format!("v{number}").parse().unwrap()).collect()).unwrap()
    }

    #[test]
    fn a_failure_counts_only_when_the_repetition_fails_too() {
        for (outcomes, verdict) in [
            (&[UP][..], Verdict::Up),
            (&[REFUSED, UP], Verdict::Up),
            (&[REFUSED], Verdict::Nothing(Gap::Unconfirmed)),
            (&[REFUSED, TIMEOUT], Verdict::Down(Reason::Timeout)),
            (&[REFUSED, TIMEOUT, UP], Verdict::Up),
            (&[REFUSED, LATE], Verdict::Nothing(Gap::Unconfirmed)),
            (&[REFUSED, FAULT, TIMEOUT], Verdict::Down(Reason::Timeout)),
            (&[LATE, FAULT], Verdict::Nothing(Gap::Fault)),
            (&[LATE], Verdict::Nothing(Gap::Late)),
            (&[], Verdict::Nothing(Gap::Silent)),
        ] {
            assert_eq!(Verdict::of(outcomes.iter().copied()), verdict, "{outcomes:?}");
        }
    }

    #[test]
    fn down_takes_two_vantages_that_fail_and_more_failures_than_successes() {
        use Verdict::{Nothing, Up};
        let (dns, tls) = (Verdict::Down(Reason::Dns), Verdict::Down(Reason::Tls));
        let (silent, fault) = (Nothing(Gap::Silent), Nothing(Gap::Fault));
        let unknown = Seen::Unknown;
        for (running, verdicts, seen) in [
            (1, vec![Up], Seen::Up),
            (1, vec![tls], Seen::Down(Reason::Tls)),
            (1, vec![], unknown(Gap::Silent)),
            (1, vec![Nothing(Gap::Unconfirmed)], unknown(Gap::Unconfirmed)),
            (2, vec![Up, Up], Seen::Up),
            (2, vec![tls, tls], Seen::Down(Reason::Tls)),
            (2, vec![Up, tls], unknown(Gap::Disputed)),
            (2, vec![tls, silent], unknown(Gap::Silent)),
            (2, vec![Up, fault], unknown(Gap::Fault)),
            (2, vec![Up], unknown(Gap::Silent)),
            (3, vec![Up, Up, tls], Seen::Up),
            (3, vec![Up, tls, tls], Seen::Down(Reason::Tls)),
            (3, vec![tls, dns, silent], Seen::Down(Reason::Dns)),
            (3, vec![tls, dns, tls], Seen::Down(Reason::Tls)),
            (3, vec![silent, silent, fault], unknown(Gap::Fault)),
            (4, vec![Up, Up, tls, tls], unknown(Gap::Disputed)),
            (5, vec![Up, Up, tls, tls, tls], Seen::Down(Reason::Tls)),
        ] {
            assert_eq!(panel(running).decide(&verdicts), seen, "{running} running: {verdicts:?}");
        }
    }

    #[test]
    fn where_a_failure_would_not_show_a_success_does_not_either() {
        let kinds = [Verdict::Up, Verdict::Down(Reason::Body), Verdict::Nothing(Gap::Silent)];
        let flip = |verdict: &Verdict| match verdict {
            Verdict::Up => Verdict::Down(Reason::Body),
            Verdict::Down(_) => Verdict::Up,
            nothing @ Verdict::Nothing(_) => *nothing,
        };
        for running in 1..=4_u32 {
            for code in 0..3_usize.pow(running) {
                let verdicts: Vec<Verdict> =
                    (0..running).map(|place| kinds[code / 3_usize.pow(place) % 3]).collect();
                let flipped: Vec<Verdict> = verdicts.iter().map(flip).collect();
                let panel = panel(running as usize);
                let (seen, mirrored) = (panel.decide(&verdicts), panel.decide(&flipped));
                let failures = verdicts.iter().filter(|verdict| verdict.reason().is_some()).count();
                let successes = verdicts.iter().filter(|verdict| **verdict == Verdict::Up).count();
                let is_down = failures > successes && (failures >= 2 || running == 1);
                assert_eq!(matches!(seen, Seen::Down(_)), is_down, "{verdicts:?}");
                assert_eq!(matches!(seen, Seen::Up), matches!(mirrored, Seen::Down(_)), "{verdicts:?}");
            }
        }
    }

    #[test]
    fn a_panel_has_one_to_sixteen_vantages() {
        assert_eq!(Panel::new(BTreeSet::new()), Err(InvalidPanel(0)));
        let many = (0..17).map(|number| format!("v{number}").parse().unwrap()).collect();
        assert_eq!(Panel::new(many), Err(InvalidPanel(17)));
        assert_eq!(panel(16).vantages().len(), 16);
    }
}
