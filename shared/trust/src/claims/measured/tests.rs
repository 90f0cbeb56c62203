use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{
        Figure, NetworkName, judge,
        tests::{any_figure, whole},
    },
    *,
};
use crate::{marketplace::Happened, offering::Virtualisation, units::Size};

const DAY: i64 = 86_400;

fn day(days: i64) -> Moment {
    Moment::parse("2026-11-02T12:00:00Z").unwrap().plus(days * DAY)
}

fn contract(number: usize) -> ContractId {
    format!("c{number}").parse().unwrap()
}

fn rented(price: u64) -> Rented {
    Rented {
        offering: "o1".parse().unwrap(),
        requested_at: day(0),
        deal: Deal { price, lasted: None },
        claim: Some(whole()),
    }
}

fn as_claimed() -> Findings {
    let figures = [
        Figure::Vcpus(4),
        Figure::Memory(Size::mib(7900)),
        Figure::Disk(Size::gb(155)),
        Figure::Virtualisation(Virtualisation::Kvm),
        Figure::Asn(3.try_into().unwrap()),
    ];
    figures.into_iter().collect()
}

fn found(figures: &[Figure]) -> Findings {
    figures.iter().cloned().collect()
}

fn asn(number: u32) -> Figure {
    Figure::Asn(number.try_into().unwrap())
}

fn network(name: &str) -> Figure {
    Figure::Network(NetworkName::of(name).unwrap())
}

fn run(days: i64, findings: Findings) -> Run {
    Run { id: RunId::of(format!("{days} {findings:?}").as_bytes()), at: day(days), findings }
}

fn machines(measurements: &Measurements) -> Vec<Machine> {
    let machine = |(_, count)| match count {
        ClaimCount::Machine(machine) => Some(machine),
        ClaimCount::Claim { .. } => None,
    };
    measurements.counts().into_iter().filter_map(machine).collect()
}

#[test]
fn one_machine_in_ninety_days_counts_and_a_free_one_never() {
    use Standing::{Counted, Free, Repeated};
    let story = [(500, 0), (500, 1), (0, 50), (500, 90)];
    let measured =
        story.into_iter().enumerate().fold(Measurements::default(), |measured, (number, (price, days))| {
            measured.with(&contract(number), rented(price), &run(days, as_claimed())).unwrap()
        });
    let standings: Vec<_> = measured.standings().into_iter().map(|(_, _, standing)| standing).collect();
    assert_eq!(standings, [Counted, Repeated, Free, Counted]);
    assert_eq!(machines(&measured)[0], Machine { held: 5, contradicted: 0, standing: Counted });
    let held = ClaimCount::Claim { property: Property::Memory, outcome: Outcome::Held };
    assert_eq!(measured.counts().iter().filter(|(_, count)| *count == held).count(), 2);
}

#[test]
fn a_better_run_of_the_same_machine_makes_good_for_a_worse_one_and_a_worse_one_changes_nothing() {
    let low: Findings = [Figure::Memory(Size::mib(4000))].into_iter().collect();
    let first = Measurements::default().with(&contract(1), rented(5), &run(0, low.clone())).unwrap();
    assert_eq!(machines(&first)[0].contradicted, 1);
    let second = first.with(&contract(1), rented(5), &run(1, as_claimed())).unwrap();
    assert_eq!(machines(&second)[0].contradicted, 0);
    let third = second.with(&contract(1), rented(5), &run(2, low)).unwrap();
    assert_eq!(machines(&third), machines(&second));
    assert_eq!(third.about(&contract(1)).unwrap().runs(), 3);
}

fn seen(measurements: &Measurements) -> Vec<Figure> {
    measurements.sightings()[&"o1".parse().unwrap()]
        .figures
        .iter()
        .map(|(figure, _)| figure.clone())
        .collect()
}

#[test]
fn a_run_from_another_network_says_nothing_but_that() {
    let carrier = network("Carrier");
    let elsewhere = found(&[Figure::Vcpus(1), Figure::Memory(Size::mib(7900)), asn(9), carrier.clone()]);
    let measured = Measurements::default().with(&contract(1), rented(5), &run(0, elsewhere)).unwrap();
    assert_eq!(machines(&measured), [Machine { held: 0, contradicted: 1, standing: Standing::Counted }]);
    assert_eq!(seen(&measured), [asn(9), carrier]);
}

#[test]
fn what_another_network_showed_says_nothing_of_the_machine_whoever_else_measured_there() {
    let memory = |gib| Figure::Memory(Size::gib(gib));
    let (there, elsewhere) = (found(&[memory(4), asn(3)]), found(&[memory(12), Figure::Vcpus(4), asn(9)]));
    let runs = [run(0, there), run(1, elsewhere)];
    let with = |measured: Measurements, run| measured.with(&contract(1), rented(5), run).unwrap();
    let (one, other) = (
        runs.iter().fold(Measurements::default(), with),
        runs.iter().rev().fold(Measurements::default(), with),
    );
    assert_eq!(one, other);
    let expected = [(Property::Memory, Reading::Contradicts), (Property::Asn, Reading::Confirms)];
    assert_eq!(one.about(&contract(1)).unwrap().readings(), BTreeMap::from(expected));
    assert_eq!(seen(&one), [memory(4), asn(3), asn(9)]);
    // Where it is not known which network is claimed, all of it is his machine.
    let unclaimed = one.claimed(&contract(1), Some(serde_json::from_value(json!({ "vcpus": 4 })).unwrap()));
    assert_eq!(seen(&unclaimed), [Figure::Vcpus(4), memory(12), asn(3), asn(9)]);
    // A run that does not say where it was made is taken for one of the machine.
    let nowhere = with(one, &run(2, found(&[Figure::Vcpus(4)])));
    assert_eq!(nowhere.about(&contract(1)).unwrap().readings()[&Property::Vcpus], Reading::Confirms);
}

#[test]
fn what_a_machines_network_is_called_is_not_what_others_are() {
    let (his, ltd, alpha, beta) =
        (network("Zeta Hosting"), network("Zeta Hosting Ltd"), network("Alpha LLC"), network("Beta"));
    let of_another = [alpha.clone(), network("Alpha")];
    let runs = [
        run(0, found(&[asn(1), of_another[0].clone(), of_another[1].clone()])),
        run(1, found(&[asn(2), beta.clone()])),
        run(2, found(&[asn(3), his.clone(), ltd.clone()])),
    ];
    let with = |measured: Measurements, run| measured.with(&contract(1), rented(5), run).unwrap();
    let names = |measured: &Measurements| -> Vec<Figure> {
        seen(measured).into_iter().filter(|figure| figure.property().is_none()).collect()
    };
    let all = runs.iter().fold(Measurements::default(), with);
    assert_eq!(names(&all), [his.clone(), ltd.clone()]);
    // Where no run came from the network that is claimed, those that runs came from are all that is known.
    let elsewhere = runs[..2].iter().fold(Measurements::default(), with);
    assert_eq!(names(&elsewhere), [network("Alpha"), alpha.clone(), beta.clone()]);
    // However many names others have, none is pushed out.
    let unclaimed = all.claimed(&contract(1), None);
    assert_eq!(names(&unclaimed), [network("Alpha"), alpha, beta, his, ltd]);
}

#[test]
fn a_figure_is_of_the_day_on_which_it_was_first_seen() {
    let runs = [(0, 4000), (100, 7000), (200, 7000)];
    let measured = runs.into_iter().fold(Measurements::default(), |measured, (days, mib)| {
        let findings = found(&[Figure::Memory(Size::mib(mib)), Figure::Vcpus(4)]);
        measured.with(&contract(1), rented(5), &run(days, findings)).unwrap()
    });
    let sighting = &measured.sightings()[&"o1".parse().unwrap()];
    let expected = [(Figure::Vcpus(4), day(0).day()), (Figure::Memory(Size::mib(7000)), day(100).day())];
    assert_eq!((sighting.measured_on, &sighting.figures[..]), (day(0).day(), &expected[..]));
}

#[test]
fn a_contract_takes_so_many_runs_and_the_same_one_again() {
    let mut measured = Measurements::default();
    for number in 0..MOST_RUNS {
        measured = measured.with(&contract(1), rented(5), &run(number as i64, as_claimed())).unwrap();
    }
    assert_eq!(measured.with(&contract(1), rented(5), &run(99, as_claimed())), Err(Refused::TooMany));
    assert_eq!(measured.with(&contract(1), rented(5), &run(0, as_claimed())).unwrap(), measured);
}

fn contract_of(events: &[(i64, serde_json::Value)]) -> Contract {
    let mut known = Contract::default();
    for (seconds, happened) in events {
        let happened: Happened = serde_json::from_value(happened.clone()).unwrap();
        known.join(day(0).plus(*seconds), &happened);
    }
    known
}

#[test]
fn a_run_is_taken_from_the_handover_until_an_hour_after_the_end() {
    let requested = json!({ "type": "contract.requested", "data": {
        "contract_id": "c1", "provider_id": "p1", "renter_id": "r1", "offering_id": "o1", "term_seconds": 7200,
        "price": { "minor_units": 7, "currency": "EUR" },
    } });
    let provisioned = json!({ "type": "contract.provisioned", "data": { "contract_id": "c1" } });
    let completed = json!({ "type": "contract.completed", "data": { "contract_id": "c1" } });
    let (asked, there, over) = ((0, requested), (60, provisioned), (7260, completed));
    let at = |seconds| day(0).plus(seconds);
    assert_eq!(takes(&contract_of(std::slice::from_ref(&asked)), at(60)), Err(Refused::NotHandedOver));
    let open = contract_of(&[asked.clone(), there.clone()]);
    assert_eq!(takes(&open, at(999_999)), Ok(()));
    let ended = contract_of(&[asked, there, over]);
    assert_eq!(takes(&ended, at(7260 + 3600)), Ok(()));
    assert_eq!(takes(&ended, at(7260 + 3601)), Err(Refused::Ended(at(7260))));
    // The machine's clock is believed within the contract.
    assert_eq!(made_at(Some(at(500)), &open, at(900)), at(500));
    assert_eq!(made_at(Some(at(910)), &open, at(900)), at(900));
    assert_eq!(made_at(Some(at(-9000)), &open, at(900)), at(900));
    assert_eq!(made_at(Some(at(90_000)), &open, at(900)), at(900));
    assert_eq!(made_at(None, &open, at(900)), at(900));
}

#[test]
fn what_is_known_later_of_deal_or_claim_moves_a_machine_to_where_it_belongs() {
    let before = Measurements::default().with(&contract(1), rented(5), &run(0, as_claimed())).unwrap();
    let short = Rented { deal: Deal { price: 5, lasted: Some(60) }, ..rented(5) };
    let after = before.known(Parties::Distinct, &contract(1), short);
    assert_eq!(machines(&after)[0].standing, Standing::TooShort);
    assert!(after.sightings().is_empty());
    let unclaimed = before.claimed(&contract(1), None);
    assert_eq!(machines(&unclaimed)[0].held, 0);
    assert_eq!(unclaimed.sightings().len(), 1, "what was seen stays, for the claims of today");
}

#[test]
fn of_an_offering_the_latest_renters_are_kept_and_the_same_for_any_order() {
    let sighting = |number: u16| {
        let measured_on = day(100).day().minus(number);
        Sighting {
            measured_on,
            figures: as_claimed().iter().map(|figure| (figure.clone(), measured_on)).collect(),
        }
    };
    let renter = |number: u16| -> RenterId { format!("r{number}").parse().unwrap() };
    let all: Vec<u16> = (0..50).collect();
    let joined = |numbers: &[u16]| {
        numbers
            .iter()
            .fold(Seen::default(), |seen, &number| seen.with(&renter(number), Some(sighting(number))))
    };
    let (one, other) = (joined(&all), joined(&all.iter().rev().copied().collect::<Vec<_>>()));
    assert_eq!(one, other);
    assert_eq!(one.by.len(), MOST_RENTERS);
    let judged = judge(&whole(), &one.evidence().collect::<Vec<_>>(), day(100).day());
    assert_eq!(judged[0].evidence.len(), MOST_RENTERS);
    assert_eq!(one.with(&renter(0), None).by.len(), MOST_RENTERS - 1);
}

fn any_run() -> impl Strategy<Value = (usize, i64, Findings)> {
    let figures = prop::collection::vec(any_figure(), 0..8);
    let network = prop::option::of((1..8u32).prop_map(asn));
    let findings = (figures, network).prop_map(|(mut figures, network)| {
        // A run is of one network.
        figures.retain(|figure| figure.property() != Some(Property::Asn));
        figures.into_iter().chain(network).collect()
    });
    (0..4usize, 0..300i64, findings)
}

fn joined(story: &[(usize, i64, Findings)]) -> Measurements {
    story.iter().fold(Measurements::default(), |measured, (number, days, findings)| {
        let price = u64::from(*number != 3);
        measured.with(&contract(*number), rented(price), &run(*days, findings.clone())).unwrap()
    })
}

proptest! {
    #[test]
    fn any_order_and_doubling_of_runs_counts_the_same(
        (story, shuffled) in prop::collection::vec(any_run(), 0..12).prop_flat_map(|story| {
            let doubled: Vec<_> = story.iter().chain(story.iter().take(4)).cloned().collect();
            (Just(story), Just(doubled).prop_shuffle())
        })
    ) {
        let (one, other) = (joined(&story), joined(&shuffled));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(one.sightings(), other.sightings());
    }

    #[test]
    fn the_steps_of_the_signal_add_up_to_the_whole_and_each_machine_is_counted_once(
        story in prop::collection::vec(any_run(), 0..10)
    ) {
        let provider = "p1".parse().unwrap();
        let (mut steps, mut whole) = (ClaimDelta::default(), ClaimDelta::default());
        let mut known = Measurements::default();
        for end in 0..=story.len() {
            let next = joined(&story[..end]);
            known.difference(&next, &provider, &mut steps);
            known = next;
        }
        Measurements::default().difference(&known, &provider, &mut whole);
        prop_assert_eq!(&steps, &whole);
        prop_assert_eq!(machines(&known).len(), known.iter().count());
        let counted = machines(&known).into_iter().filter(|one| one.standing == Standing::Counted);
        let decided: u64 = counted.map(|one| u64::from(one.held + one.contradicted)).sum();
        let claims: i64 = whole.iter().flat_map(|(_, _, classes)| classes.iter())
            .filter(|(class, _)| matches!(class, ClaimCount::Claim { .. })).map(|(_, count)| *count).sum();
        prop_assert_eq!(decided as i64, claims);
    }

    #[test]
    fn which_network_was_claimed_may_be_heard_of_last_and_what_is_kept_stays_small(
        story in prop::collection::vec(any_run(), 0..12), claimed in 1..8u32
    ) {
        let claim: Specification = serde_json::from_value(json!({ "vcpus": 4, "asn": claimed })).unwrap();
        let of_one: Vec<_> = story.into_iter().map(|(_, days, findings)| (0, days, findings)).collect();
        let early = of_one.iter().fold(Measurements::default(), |measured, (_, days, findings)| {
            let rented = Rented { claim: Some(claim.clone()), ..rented(1) };
            measured.with(&contract(0), rented, &run(*days, findings.clone())).unwrap()
        });
        let late = joined(&of_one).claimed(&contract(0), Some(claim));
        prop_assert_eq!(&early, &late);
        for Sighting { figures, .. } in late.sightings().into_values() {
            prop_assert!(figures.len() <= 6 + 5 * 3 + 4 * 3);
        }
    }

    #[test]
    fn a_stored_measurement_reads_back(story in prop::collection::vec(any_run(), 0..10)) {
        let measured = joined(&story);
        let text = serde_json::to_string(&measured).unwrap();
        prop_assert_eq!(serde_json::from_str::<Measurements>(&text).unwrap(), measured);
    }
}
