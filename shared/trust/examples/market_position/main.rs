//! How long a market takes to load, and a place in it to work out: `cargo run --profile local -p trust --example market_position`.

#![expect(clippy::print_stdout, reason = "a measurement prints what it measured")]

use std::{
    collections::BTreeSet,
    num::NonZeroU16,
    time::{Duration, Instant},
};

use trust::{
    marketplace::Currency,
    offering::{Class, PriceKind},
    price::{
        Amount, Basis, Billing, Disk, Machine, Market, Offer, Place, PricePolicy, Rates, RegionGroup, Seller,
        Sheet, Slug, Term,
    },
    time::Moment,
    units::Size,
};

const OFFERS: u64 = 100_000;
const PLACES: usize = 400;

/// Numbers by chance: Knuth's MMIX generator, which is enough to scatter offers.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0) * u128::from(end)) >> 64) as u64
    }
}

fn offer(number: u64, chance: &mut Chance) -> Option<Offer> {
    let steps = chance.below(6) as u32;
    let (vcpus, gib) = (1 << steps.min(5), 1_u64 << (steps + chance.below(3) as u32));
    let cents = 300.0 * (gib as f64).powf(0.8) * (0.5 + chance.below(1000) as f64 / 700.0);
    Some(Offer {
        seller: Seller::Elsewhere(Slug::of(&format!("host-{}", number % 2_000))?),
        name: format!("plan {number}").try_into().ok()?,
        machine: Machine {
            class: Class::Shared,
            vcpus: NonZeroU16::new(vcpus)?,
            memory: Size::gib(gib),
            disk: Disk::Included(Size::gb(20 * gib), None),
            traffic: (chance.below(2) == 0).then(|| Size::gb(1000 * gib)),
        },
        place: Place::In(*RegionGroup::ALL.get(chance.below(3) as usize)?),
        basis: Basis { billing: Billing::Prepaid, term: Term::Monthly, kind: PriceKind::List },
        monthly: Amount { millionths: cents as u64 * 10_000, currency: Currency::EURO },
        priced_on: Moment::EPOCH.plus(20_000 * 86_400 - chance.below(60) as i64 * 86_400).day(),
        source: Slug::of("generated")?,
    })
}

fn milliseconds(of: Duration) -> f64 {
    of.as_secs_f64() * 1000.0
}

fn main() -> Result<(), postcard::Error> {
    let (policy, mut chance) = (PricePolicy::current(), Chance(1));
    let on = Moment::EPOCH.plus(20_000 * 86_400).day();
    let offers: Vec<Offer> = (0..OFFERS).filter_map(|number| offer(number, &mut chance)).collect();
    let rates = Rates { day: on, source: "none".to_owned(), a_euro: [].into() };
    let begun = Instant::now();
    let (market, _) = Market::gather(policy, offers, rates, on);
    println!("gathered {} offers in {:.0} ms", market.offers().len(), milliseconds(begun.elapsed()));
    let kept = postcard::to_allocvec(market.sheet())?;
    let begun = Instant::now();
    let market = Market::from(postcard::from_bytes::<Sheet>(&kept)?);
    println!("loaded from {:.1} MB in {:.0} ms", kept.len() as f64 / 1e6, milliseconds(begun.elapsed()));
    let mut took = Vec::new();
    let mut silent = 0;
    for number in 0..PLACES {
        let Some(mut asked) = offer(OFFERS + number as u64, &mut chance) else { continue };
        // Of a third it is not said where they are, so that they are compared with all of the world.
        if number % 3 == 0 {
            asked.place = Place::NotSaid;
        }
        let begun = Instant::now();
        silent += usize::from(market.place(policy, &asked, &BTreeSet::new()).is_err());
        took.push(begun.elapsed());
    }
    took.sort();
    let at = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or_default();
    println!(
        "placed {PLACES}, {silent} without an answer: median {:.2} ms, p99 {:.2} ms, at most {:.2} ms",
        milliseconds(at(0.5)),
        milliseconds(at(0.99)),
        milliseconds(took.last().copied().unwrap_or_default())
    );
    Ok(())
}
