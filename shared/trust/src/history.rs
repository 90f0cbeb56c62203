//! Why a score moved from one day to the next: the one cause that explains most of it.
//!
//! Without caps a score is its baseline and what each family adds, so its change is the sum of theirs. A cap that is set or lifted,
//! and another policy, are causes of their own.

use crate::{policy::Family, score::Points};

/// A change beyond this, in billionths of a point, is explained: three points. Were it smaller, the noise of every day would have
/// a reason; were it larger, people would see jumps without one.
const NOTABLE: u64 = 3_000_000_000;

/// A change in points, up or down, in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change(i64);

impl Change {
    /// From one score, or contribution, to another.
    pub fn between(before: Points, after: Points) -> Self {
        Self(after.billionths().saturating_sub(before.billionths()))
    }

    /// In points, for display.
    pub fn value(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// In billionths of a point.
    pub fn billionths(self) -> i64 {
        self.0
    }

    fn size(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// What a day's score was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made<'a> {
    /// The version of the policy.
    pub policy: &'a str,
    /// The score, after caps.
    pub points: Points,
    /// What it would have been without the cap of a critical flag.
    pub capped_from: Option<Points>,
    /// What each family added to the baseline. Empty where that was not kept.
    pub families: &'a [(Family, Points)],
}

/// A change of more than three points, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// By how much.
    pub change: Change,
    /// Why.
    pub cause: Cause,
}

/// Why a score jumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Another policy: the two scores do not compare.
    PolicyChanged,
    /// A critical flag capped it.
    CapSet,
    /// The critical flag is gone.
    CapLifted,
    /// A family's contribution changed, more than any other's in that direction.
    Family(Family, Change),
    /// What the families added was not kept of one of the days.
    Unknown,
}

/// The jump between two days, the earlier first; `None` where the score moved by three points at most.
pub fn jump(before: &Made<'_>, after: &Made<'_>) -> Option<Jump> {
    let change = Change::between(before.points, after.points);
    (change.size() > NOTABLE).then(|| Jump { change, cause: cause(before, after, change) })
}

fn cause(before: &Made<'_>, after: &Made<'_>, change: Change) -> Cause {
    if before.policy != after.policy {
        return Cause::PolicyChanged;
    }
    match (before.capped_from, after.capped_from) {
        (None, Some(_)) => return Cause::CapSet,
        (Some(_), None) => return Cause::CapLifted,
        _ => {}
    }
    let changes = Family::ALL.into_iter().filter_map(|family| {
        let of = |made: &Made<'_>| {
            made.families.iter().find(|(named, _)| *named == family).map(|(_, points)| *points)
        };
        Some((family, Change::between(of(before)?, of(after)?)))
    });
    let same_way = changes.filter(|(_, by)| by.0.signum() == change.0.signum());
    // Of equals the first, in the order in which families are shown.
    let most = same_way.rev().max_by_key(|(_, by)| by.size());
    most.map_or(Cause::Unknown, |(family, by)| Cause::Family(family, by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(whole: u32) -> Points {
        Points::whole(whole)
    }

    fn made(whole: u32, families: &[(Family, Points)]) -> Made<'_> {
        Made { policy: "p/1", points: points(whole), capped_from: None, families }
    }

    #[test]
    fn three_points_need_no_reason_and_more_do() {
        let families = [(Family::Replies, points(0))];
        assert_eq!(jump(&made(70, &families), &made(73, &families)), None);
        assert_eq!(jump(&made(70, &families), &made(67, &families)), None);
        assert!(jump(&made(70, &families), &made(74, &families)).is_some());
    }

    #[test]
    fn the_family_that_changed_most_in_the_direction_of_the_jump_is_its_cause() {
        let before =
            [(Family::Replies, points(9)), (Family::Contracts, points(5)), (Family::Feedback, points(2))];
        let after =
            [(Family::Replies, points(1)), (Family::Contracts, points(15)), (Family::Feedback, points(0))];
        let up = jump(&made(60, &before), &made(64, &after)).unwrap();
        assert_eq!(up.cause, Cause::Family(Family::Contracts, Change(10_000_000_000)));
        assert_eq!(up.change, Change(4_000_000_000));
        let down = jump(&made(64, &before), &made(60, &after)).unwrap();
        assert_eq!(down.cause, Cause::Family(Family::Replies, Change(-8_000_000_000)));
    }

    #[test]
    fn a_cap_and_another_policy_are_causes_before_any_family() {
        let families = [(Family::Replies, points(9))];
        let free = made(70, &families);
        let capped = Made { points: points(49), capped_from: Some(points(70)), ..free };
        assert_eq!(jump(&free, &capped).map(|jump| jump.cause), Some(Cause::CapSet));
        assert_eq!(jump(&capped, &free).map(|jump| jump.cause), Some(Cause::CapLifted));
        let other = Made { policy: "p/2", ..capped };
        assert_eq!(jump(&free, &other).map(|jump| jump.cause), Some(Cause::PolicyChanged));
    }

    #[test]
    fn where_contributions_were_not_kept_the_cause_is_not_known() {
        let families = [(Family::Replies, points(9))];
        assert_eq!(jump(&made(70, &[]), &made(80, &families)).map(|jump| jump.cause), Some(Cause::Unknown));
    }

    proptest! {
        #[test]
        fn turned_around_a_jump_is_the_opposite(from in 0_u32..100, to in 0_u32..100, a in 0_u32..40, b in 0_u32..40) {
            let (before, after) = ([(Family::Uptime, points(a))], [(Family::Uptime, points(b))]);
            let there = jump(&made(from, &before), &made(to, &after));
            let back = jump(&made(to, &after), &made(from, &before));
            prop_assert_eq!(there.map(|jump| jump.change.0), back.map(|jump| -jump.change.0));
        }
    }
}
