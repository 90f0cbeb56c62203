//! How far a price's place in the market can be trusted: markets are generated whose median is known, and what is stated of them is held
//! against it. `docs/price.md` has the figures.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod world;

use std::{collections::BTreeSet, num::NonZeroU16};

use trust::{
    marketplace::Currency,
    offering::{Class, PriceKind},
    price::{
        Amount, Basis, Billing, Disk, Machine, Market, Offer, Place, Position, PricePolicy, Rates,
        RegionGroup, Seller, Slug, Term, Verdict,
    },
    time::Day,
    units::Size,
};
use world::draw::Draw;

/// How far providers lie from each other, as the standard deviation of logarithms: one typically sits x1.4 from the median.
const BETWEEN: f64 = 0.35;

/// How far a provider's own prices lie from his line.
const WITHIN: f64 = 0.08;

/// The machine that is asked about, and what it costs at the true median, in euro.
const TRUE_MEDIAN: f64 = 12.0;

fn today() -> Day {
    Day::parse("2026-11-23").unwrap()
}

/// A normal deviate, by Box and Muller.
fn normal(draw: &mut Draw) -> f64 {
    (-2.0 * (1.0 - draw.unit()).ln()).sqrt() * (std::f64::consts::TAU * draw.unit()).cos()
}

fn machine(vcpus: u16, gib: u64, gb: u64) -> Machine {
    Machine {
        class: Class::Shared,
        vcpus: NonZeroU16::new(vcpus).unwrap(),
        memory: Size::gib(gib),
        disk: Disk::Included(Size::gb(gb), None),
        traffic: None,
    }
}

fn asked() -> Machine {
    machine(2, 4, 80)
}

/// What a machine is worth beside the one that is asked about, by elasticities near those of the policy, not the same.
fn worth(of: &Machine, (vcpus, memory, disk): (f64, f64, f64)) -> f64 {
    let gb = |machine: &Machine| if let Disk::Included(size, _) = machine.disk { size.as_gb() } else { 1.0 };
    vcpus * (f64::from(of.vcpus.get()) / f64::from(asked().vcpus.get())).ln()
        + memory * (of.memory.as_gib() / asked().memory.as_gib()).ln()
        + disk * (gb(of) / gb(&asked())).ln()
}

fn offer(seller: &str, machine: Machine, euro: f64) -> Offer {
    Offer {
        seller: Seller::Elsewhere(Slug::of(seller).unwrap()),
        name: "plan".to_owned().try_into().unwrap(),
        machine,
        place: Place::In(RegionGroup::Europe),
        basis: Basis { billing: Billing::Prepaid, term: Term::Monthly, kind: PriceKind::List },
        monthly: Amount { millionths: (euro * 1e6).round() as u64, currency: Currency::EURO },
        priced_on: today(),
        source: Slug::of("generated").unwrap(),
    }
}

/// A market of so many providers, each with a ladder of sizes at his own level of prices.
fn providers(draw: &mut Draw, count: u32) -> Vec<Offer> {
    // Markets differ in what they pay for: between the elasticities that were measured of real ones.
    let elasticity = (0.23 + 0.16 * draw.unit(), 0.64 - 0.09 * draw.unit(), 0.11 + 0.09 * draw.unit());
    let ladder = [
        (1, 1, 20),
        (1, 2, 40),
        (2, 2, 40),
        (2, 4, 80),
        (4, 8, 160),
        (4, 16, 160),
        (8, 16, 320),
        (8, 32, 640),
    ];
    let mut offers = Vec::new();
    for provider in 0..count {
        let level = BETWEEN * normal(draw);
        for (vcpus, gib, gb) in ladder {
            if draw.happens(0.75) {
                let machine = machine(vcpus, gib, gb * draw.within(1, 2));
                let log = TRUE_MEDIAN.ln() + level + worth(&machine, elasticity) + WITHIN * normal(draw);
                offers.push(offer(&format!("p{provider}"), machine, log.exp()));
            }
        }
    }
    offers
}

fn place(offers: Vec<Offer>, euro: f64) -> Option<Position> {
    let rates = Rates { day: today(), source: "none".to_owned(), a_euro: [].into() };
    let (market, _) = Market::gather(PricePolicy::current(), offers, rates, today());
    market.place(PricePolicy::current(), &offer("asked", asked(), euro), &BTreeSet::new()).ok()
}

/// What is stated of generated markets, beside what is true.
struct Found {
    /// Of how many markets something was said, in percent.
    spoke: f64,
    /// How often the interval held the true difference, in percent of those.
    covered: f64,
    /// How far the median was off on average, in percent.
    bias: f64,
    /// How often one who asks exactly the median was said to be below or above it, in percent.
    false_alarms: f64,
}

fn found(count: u32, markets: u32) -> Found {
    let mut draw = Draw::new(20_261_129);
    let (mut spoke, mut covered, mut alarms, mut off) = (0_u32, 0_u32, 0_u32, 0.0);
    for _ in 0..markets {
        let Some(position) = place(providers(&mut draw, count), TRUE_MEDIAN) else { continue };
        let standing = position.standing;
        spoke += 1;
        off += (standing.median as f64 / 1e6 / TRUE_MEDIAN).ln();
        covered += u32::from(standing.difference.low.0 <= 0 && standing.difference.high.0 >= 0);
        alarms += u32::from(standing.verdict != Verdict::InLine);
    }
    let percent = |count: u32, of: u32| f64::from(count) * 100.0 / f64::from(of.max(1));
    Found {
        spoke: percent(spoke, markets),
        covered: percent(covered, spoke),
        bias: (off / f64::from(spoke.max(1))).exp_m1() * 100.0,
        false_alarms: percent(alarms, spoke),
    }
}

#[test]
fn the_document_states_how_often_the_interval_holds_and_how_far_the_median_is_off() {
    let document = include_str!("../../../docs/price.md");
    let mut missing = Vec::new();
    for count in [5, 7, 10, 15, 25, 60] {
        let Found { spoke, covered, bias, false_alarms } = found(count, 1000);
        let row = format!("| {count} | {spoke:.0} % | {covered:.1} % | {bias:+.1} % | {false_alarms:.1} % |");
        println!("{row}");
        assert!((90.0..=98.0).contains(&covered), "{row}");
        assert!(bias.abs() < 3.0, "{row}");
        if !document.contains(&row) {
            missing.push(row);
        }
    }
    assert!(missing.is_empty(), "not in docs/price.md:\n{}", missing.join("\n"));
}

/// Leaves each provider out and asks what the others say of his own machines: the median over providers of his median |error|, in
/// logarithms.
#[test]
fn one_providers_price_is_told_from_the_others_about_as_well_as_providers_differ() {
    let mut draw = Draw::new(7);
    let policy = PricePolicy::current();
    let rates = Rates { day: today(), source: "none".to_owned(), a_euro: [].into() };
    let (market, _) = Market::gather(policy, providers(&mut draw, 40), rates, today());
    let mut errors: Vec<f64> = Vec::new();
    for provider in 0..40 {
        let own = Slug::of(&format!("p{provider}")).unwrap();
        let his = market.offers().iter().filter(|of| of.offer.seller == Seller::Elsewhere(own.clone()));
        let mut of_his: Vec<f64> = his
            .filter_map(|of| market.place(policy, &of.offer, &BTreeSet::from([own.clone()])).ok())
            .map(|position| (position.euro as f64 / position.standing.median as f64).ln().abs())
            .collect();
        of_his.sort_by(f64::total_cmp);
        errors.extend(of_his.get(of_his.len() / 2));
    }
    errors.sort_by(f64::total_cmp);
    let (median, providers) = (errors[errors.len() / 2], errors.len());
    println!("{median:.3} of {providers}");
    // Half of all normal deviates lie within 0.674 standard deviations.
    assert!(providers >= 38 && (median - 0.674 * BETWEEN).abs() < 0.12, "{median}");
}
