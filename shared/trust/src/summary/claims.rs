//! Claims: what renters' machines turned out to be, against what was claimed of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    claims::{
        Property,
        measured::{ClaimCount, Machine, Outcome},
    },
    feedback::Standing,
    policy::{ClaimsPolicy, Policy},
    ratio::Ratio,
    score::{Kind, Observations, Quality, observe},
    time::Moment,
};

use super::Signals;

/// Days of machines that are shown.
const SHOWN: u16 = 365;

/// What renters' machines turned out to be in the last year.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimFacts {
    /// How many days that is.
    pub days: u16,
    /// Machines of which a claim was contradicted, of those that count and say anything.
    pub contradicted: Ratio,
    /// Contradicted, of the machines that decide it, for each claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<Property, Ratio>,
    /// Machines that do not count, by the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub excluded: BTreeMap<Standing, u64>,
}

pub(super) fn facts(signals: &Signals, as_of: Moment) -> ClaimFacts {
    let (first, today) = (as_of.day().minus(SHOWN - 1), as_of.day());
    let mut facts = ClaimFacts { days: SHOWN, ..ClaimFacts::default() };
    let shown = signals.claim_days().filter(|(day, _)| (first..=today).contains(day));
    for (class, &count) in shown.flat_map(|(_, classes)| classes) {
        let (ratio, contradicted) = match *class {
            ClaimCount::Machine(Machine { standing: Standing::Counted, held: 0, contradicted: 0 }) => {
                continue;
            }
            ClaimCount::Machine(Machine { standing: Standing::Counted, contradicted, .. }) => {
                (&mut facts.contradicted, contradicted > 0)
            }
            ClaimCount::Machine(Machine { standing, .. }) => {
                *facts.excluded.entry(standing).or_default() += count;
                continue;
            }
            ClaimCount::Claim { property, outcome } => {
                (facts.claims.entry(property).or_default(), outcome == Outcome::Contradicted)
            }
        };
        ratio.of += count;
        ratio.count += if contradicted { count } else { 0 };
    }
    facts
}

/// The observations that are scored: one a machine.
pub(super) fn evidence(policy: &Policy, signals: &Signals) -> Observations {
    let mut observations = Observations::new();
    for (day, classes) in signals.claim_days() {
        for (class, &count) in classes {
            let ClaimCount::Machine(machine) = class else { continue };
            if let Some((kind, weight, quality)) = observation(policy.claims, *machine) {
                observe(&mut observations, day, kind, (weight, quality), count);
            }
        }
    }
    observations
}

/// What a machine is evidence of. One claim that does not hold makes it a bad one; a good one has to show more than what is easily said.
fn observation(rules: ClaimsPolicy, machine: Machine) -> Option<(Kind, u32, Quality)> {
    match machine {
        Machine { standing: Standing::Counted, contradicted: 1.., .. } => {
            Some((Kind::NotAsClaimed, rules.contradicted, Quality::BAD))
        }
        Machine { standing: Standing::Counted, held, .. } if held >= rules.decided => {
            Some((Kind::AsClaimed, rules.held, Quality::GOOD))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        claims::measured::ClaimDay,
        policy::Family,
        summary::{Concern, Days, Summary, summarise},
    };

    fn machine(held: u8, contradicted: u8, standing: Standing) -> ClaimCount {
        ClaimCount::Machine(Machine { held, contradicted, standing })
    }

    fn summary(classes: &[(ClaimCount, u64)]) -> Summary {
        let now = Moment::parse("2026-11-23T12:00:00Z").unwrap();
        let day: ClaimDay = classes.iter().copied().collect();
        let claims = BTreeMap::from([(now.day().minus(2), day)]);
        let signals = Signals { days: Days { claims, ..Days::default() }, ..Signals::default() };
        summarise(Policy::current(), &"p1".parse().unwrap(), &signals, now)
    }

    fn kinds(classes: &[(ClaimCount, u64)]) -> Vec<(Kind, u64, u32)> {
        let now = Moment::parse("2026-11-23T12:00:00Z").unwrap();
        let claims = BTreeMap::from([(now.day(), classes.iter().copied().collect())]);
        let signals = Signals { days: Days { claims, ..Days::default() }, ..Signals::default() };
        let observed = evidence(Policy::current(), &signals);
        observed.into_iter().map(|((_, kind), each)| (kind, each.count, each.weight)).collect()
    }

    #[test]
    fn a_machine_is_one_observation_however_many_of_its_claims_were_decided() {
        use Standing::{Counted, Free};
        assert_eq!(
            kinds(&[(machine(4, 0, Counted), 2), (machine(9, 0, Counted), 1)]),
            [(Kind::AsClaimed, 3, 1000)]
        );
        assert_eq!(
            kinds(&[(machine(9, 1, Counted), 1), (machine(0, 7, Counted), 1)]),
            [(Kind::NotAsClaimed, 2, 1000)]
        );
        assert_eq!(
            kinds(&[(machine(3, 0, Counted), 5), (machine(9, 0, Free), 5), (machine(0, 9, Free), 5)]),
            []
        );
    }

    #[test]
    fn facts_count_machines_and_claims_and_what_does_not_count_apart() {
        let claim = |property, outcome| ClaimCount::Claim { property, outcome };
        let facts = summary(&[
            (machine(5, 0, Standing::Counted), 3),
            (machine(2, 2, Standing::Counted), 1),
            (machine(0, 0, Standing::Counted), 7),
            (machine(5, 0, Standing::SameParty), 2),
            (claim(Property::Memory, Outcome::Held), 3),
            (claim(Property::Memory, Outcome::Contradicted), 1),
        ])
        .claims;
        assert_eq!(facts.contradicted, Ratio { count: 1, of: 4 });
        assert_eq!(facts.claims, BTreeMap::from([(Property::Memory, Ratio { count: 1, of: 4 })]));
        assert_eq!(facts.excluded, BTreeMap::from([(Standing::SameParty, 2)]));
    }

    #[test]
    fn contradicted_machines_flag_by_count_and_share() {
        let flagged = |good, bad| {
            let classes = [(machine(5, 0, Standing::Counted), good), (machine(5, 1, Standing::Counted), bad)];
            summary(&classes).flags.iter().any(|flag| flag.concern == Concern::ClaimsContradicted)
        };
        assert!(!flagged(0, 2), "two of two are too few");
        assert!(flagged(0, 3) && flagged(11, 3));
        assert!(!flagged(12, 3), "a fifth is not more than a fifth");
    }

    #[test]
    fn a_machine_that_is_not_as_claimed_lowers_the_family_and_one_that_is_raises_it() {
        let mean = |classes: &[(ClaimCount, u64)]| {
            let now = Moment::parse("2026-11-23T12:00:00Z").unwrap();
            let claims = BTreeMap::from([(now.day(), classes.iter().copied().collect())]);
            let signals = Signals { days: Days { claims, ..Days::default() }, ..Signals::default() };
            let evidence =
                crate::score::Evidence::from([(Family::Claims, evidence(Policy::current(), &signals))]);
            let score = crate::score::score(Policy::current(), &evidence, now.day());
            score.families.iter().find(|one| one.family == Family::Claims).unwrap().mean.value()
        };
        let prior = 0.7;
        assert!((mean(&[(machine(5, 0, Standing::Counted), 4)]) - (3.5 + 4.0) / 9.0).abs() < 1e-9);
        assert!((mean(&[(machine(5, 1, Standing::Counted), 1)]) - 3.5 / 6.0).abs() < 1e-9);
        assert!((mean(&[]) - prior).abs() < 1e-9);
    }
}
