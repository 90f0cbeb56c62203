//! The claim that a bundle of days bears, as a program gets it.

use std::{num::NonZeroU32, sync::OnceLock};

use proptest::prelude::*;
use transparency::{
    Bundle, Claim,
    claim::{Expected, NotBorne},
};

use crate::{
    claim::Parts,
    made::{Sample, good},
};

fn sample(name: &str) -> &'static Sample {
    static GOOD: OnceLock<Vec<Sample>> = OnceLock::new();
    GOOD.get_or_init(good).iter().find(|sample| sample.name == name).unwrap()
}

fn claim(text: &str, sample: &Sample) -> Result<Claim, NotBorne> {
    let bundle = Bundle::parse(text).unwrap();
    Claim::of(&bundle.verify(&sample.keys).unwrap(), &Expected::default())
}

#[test]
fn the_whole_is_the_sum_of_its_monitors_slots_and_not_of_their_percentages() {
    let sample = sample("three-monitors");
    let claim = claim(&sample.text, sample).unwrap();
    let of = |name: &str| &claim.monitors()[&name.parse().unwrap()];
    assert_eq!(claim.period().days(), 30);
    assert_eq!([of("web"), of("ssh"), of("old.1")].map(|monitor| monitor.period.days()), [30, 18, 20]);
    // Five days of each of the pattern's six kinds.
    let web = &of("web").tally;
    assert_eq!((web.expected(), web.down(), web.unknown(), web.maintenance()), (43_200 - 5 * 3, 25, 25, 40));
    assert_eq!(web.raw().down(), web.down() + 5);
    let sums = claim.monitors().values().map(|monitor| monitor.tally.up()).sum::<u64>();
    assert_eq!(claim.tally().up(), sums);
    assert_eq!(of("old.1").ended.unwrap().to_string(), "2028-02-29T18:00:00Z");
    assert_eq!((of("web").ended, of("ssh").ended), (None, None));
}

#[test]
fn a_key_can_change_without_a_day_on_which_nobody_can_verify() {
    for name in [
        "signed-with-the-old-key-known-by-both",
        "signed-with-both-keys-known-by-the-old",
        "signed-with-both-keys-known-by-the-new",
        "signed-with-the-new-key-known-by-both",
    ] {
        let sample = sample(name);
        assert!(claim(&sample.text, sample).is_ok(), "{name}");
    }
}

proptest! {
    #[test]
    fn whatever_is_left_out_is_missed_by_who_knows_the_days_and_monitors(
        dropped in prop::collection::btree_set(0..69_usize, 1..6),
    ) {
        let sample = sample("three-monitors");
        let mut parts = Parts::of(&Bundle::parse(&sample.text).unwrap());
        prop_assert_eq!(parts.leaves.len(), 69);
        let mut at = 0..;
        parts.leaves.retain(|_| at.next().is_some_and(|at| !dropped.contains(&at)));
        let bundle = Bundle::parse(&parts.text()).unwrap();
        let monitors = ["web", "ssh", "old.1"].map(|name| name.parse().unwrap()).into();
        let expected = Expected { days: NonZeroU32::new(30), until: None, monitors };
        prop_assert!(Claim::of(&bundle.verify(&sample.keys).unwrap(), &expected).is_err());
    }
}
