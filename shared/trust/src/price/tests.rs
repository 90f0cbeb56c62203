use std::{collections::BTreeSet, num::NonZeroU16};

use proptest::prelude::*;

use super::{
    Basis, Billing, DropReason, Missing, Place, RegionGroup, Scope, Seller, Silence, Term, Verdict, *,
};
use crate::{
    marketplace::{Currency, Money, Offering},
    offering::{Class, DiskKind, PriceKind, Tariff},
    time::Day,
    units::Size,
};

fn today() -> Day {
    Day::parse("2026-11-23").unwrap()
}

fn rates() -> Rates {
    Rates {
        day: today().minus(1),
        source: "ECB".to_owned(),
        a_euro: [(Currency::US_DOLLAR, 1_250_000)].into(),
    }
}

fn cents(cents: u64) -> Amount {
    Amount::of(&Money { minor_units: cents, currency: Currency::EURO }).unwrap()
}

/// 2 CPUs, 4 GiB and 40 GB in Europe, by the month.
fn offer(seller: &str, price: u64) -> Offer {
    Offer {
        seller: Seller::Elsewhere(Slug::of(seller).unwrap()),
        name: "plan".to_owned().try_into().unwrap(),
        machine: Machine {
            class: Class::Shared,
            vcpus: NonZeroU16::new(2).unwrap(),
            memory: Size::gib(4),
            disk: Disk::Included(Size::gb(40), Some(DiskKind::Nvme)),
            traffic: Some(Size::gb(2000)),
        },
        place: Place::In(RegionGroup::Europe),
        basis: Basis { billing: Billing::Prepaid, term: Term::Monthly, kind: PriceKind::List },
        monthly: cents(price),
        priced_on: today(),
        source: Slug::of("list").unwrap(),
    }
}

fn sized(offer: Offer, vcpus: u16, gib: u64) -> Offer {
    let machine = Machine { vcpus: NonZeroU16::new(vcpus).unwrap(), memory: Size::gib(gib), ..offer.machine };
    Offer { machine, ..offer }
}

/// Nine providers who ask 8 to 12 euro for the machine, and nearly the same for one of half its memory.
fn usual() -> Vec<Offer> {
    (0..9_u64)
        .flat_map(|number| {
            let price = 800 + number * 50;
            let seller = format!("p{number}");
            [offer(&seller, price), sized(offer(&seller, price * 7 / 10), 2, 2)]
        })
        .collect()
}

fn place_in(offers: Vec<Offer>, this: &Offer) -> Result<Position, Silence> {
    let policy = PricePolicy::current();
    Market::gather(policy, offers, rates(), today()).0.place(policy, this, &BTreeSet::new())
}

#[test]
fn a_price_is_told_with_its_interval_its_percentile_and_the_spread() {
    let position = place_in(usual(), &offer("this", 500)).unwrap();
    let standing = &position.standing;
    assert_eq!(standing.verdict, Verdict::Below);
    assert!((48.0..=54.0).contains(&-standing.difference.at.percent()), "{standing:?}");
    assert!(
        said(&position).starts_with("about 5") && said(&position).contains("% below market ("),
        "{}",
        said(&position)
    );
    assert_eq!((position.explained.providers, position.explained.peers), (9, 18));
    assert_eq!(standing.percentile, 0);
    let (low, high) = standing.middle_half;
    assert!(low < standing.median && standing.median < high && low > 8_000_000 && high < 12_000_000);
    let votes = &position.explained.votes;
    assert!(votes.is_sorted() && votes.len() == 9);
}

#[test]
fn a_price_like_the_others_is_in_line_and_says_between_which_it_lies() {
    let position = place_in(usual(), &offer("this", 1000)).unwrap();
    assert_eq!(position.standing.verdict, Verdict::InLine);
    let said = said(&position);
    assert!(
        said.starts_with("in line with market (")
            && said.contains("% below to ")
            && said.ends_with("% above)"),
        "{said}"
    );
    assert!(!position.is_too_cheap);
}

#[test]
fn far_below_the_market_is_a_risk() {
    assert!(place_in(usual(), &offer("this", 300)).unwrap().is_too_cheap);
    assert!(!place_in(usual(), &offer("this", 500)).unwrap().is_too_cheap);
}

#[test]
fn below_five_providers_or_eight_offers_nothing_is_said() {
    let few = |providers: usize| usual().into_iter().take(providers * 2).collect::<Vec<_>>();
    for (providers, peers) in [(0, 0), (1, 2), (4, 8)] {
        match place_in(few(providers as usize), &offer("this", 1000)) {
            Err(Silence::TooFew { providers: found, peers: offers, .. }) => {
                assert_eq!((found, offers), (providers, peers));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(place_in(few(5), &offer("this", 1000)).is_ok());
    let one_each: Vec<Offer> = (0..7_u64).map(|number| offer(&format!("p{number}"), 1000)).collect();
    assert!(matches!(
        place_in(one_each, &offer("this", 1000)),
        Err(Silence::TooFew { providers: 7, peers: 7, .. })
    ));
    assert_eq!(
        why_not(&Silence::TooFew { providers: 1, peers: 2, left: Left::default() }),
        "not enough comparable offers (2 offers of 1 provider)"
    );
}

#[test]
fn only_offers_on_the_same_terms_are_compared_and_the_others_are_counted() {
    let this = offer("this", 1000);
    let other_terms =
        |offer: Offer| Offer { basis: Basis { billing: Billing::Hourly, ..offer.basis }, ..offer };
    let other_term = |offer: Offer| Offer { basis: Basis { term: Term::Year, ..offer.basis }, ..offer };
    let other_region = |offer: Offer| Offer { place: Place::In(RegionGroup::AsiaPacific), ..offer };
    let mut offers = usual();
    offers.extend([
        other_terms(offer("b", 1)),
        other_term(offer("c", 1)),
        other_region(offer("d", 1)),
        sized(offer("e", 1), 32, 128),
        offer("this", 1),
    ]);
    let explained = place_in(offers, &this).unwrap().explained;
    // The subject is of a price list here, so only an alias would make an offer of another list his own.
    assert_eq!(explained.left, Left { own: 0, terms: 2, region: 1, size: 1 });
    assert_eq!((explained.scope, explained.providers), (Scope::Region(RegionGroup::Europe), 10));
}

#[test]
fn nobody_is_his_own_market_under_whichever_name() {
    let here = |provider: &str, price| Offer {
        seller: Seller::Here(provider.parse().unwrap(), Some("acme".parse().unwrap())),
        ..offer("x", price)
    };
    let mut offers = usual();
    offers.extend([here("one", 100), here("two", 100), offer("acme-elsewhere", 100)]);
    let policy = PricePolicy::current();
    let (market, _) = Market::gather(policy, offers, rates(), today());
    let aliases = BTreeSet::from([Slug::of("acme-elsewhere").unwrap()]);
    let explained = market.place(policy, &here("one", 1000), &aliases).unwrap().explained;
    assert_eq!((explained.left.own, explained.providers), (3, 9));
}

#[test]
fn who_has_named_his_operator_since_the_market_was_gathered_is_no_peer_of_himself() {
    let of = |operator: Option<&str>| {
        let operator = operator.map(|operator| operator.parse().unwrap());
        Offer { seller: Seller::Here("one".parse().unwrap(), operator), ..offer("x", 1000) }
    };
    for (before, after) in [(None, Some("acme")), (Some("acme"), None), (Some("acme"), Some("other"))] {
        let mut offers = usual();
        offers.push(of(before));
        let explained = place_in(offers, &of(after)).unwrap().explained;
        assert_eq!((explained.left.own, explained.providers), (1, 9), "{before:?} {after:?}");
    }
}

#[test]
fn what_stands_twice_in_one_list_counts_once_as_it_was_priced_last() {
    let on = |ago, price| Offer { priced_on: today().minus(ago), ..offer("p1", price) };
    let monthly = |offers: Vec<Offer>| -> Vec<u64> {
        let (market, _) = Market::gather(PricePolicy::current(), offers, rates(), today());
        market.offers().iter().map(|of| of.offer.monthly.millionths / 10_000).collect()
    };
    // From two pages of a list, between which it has moved.
    assert_eq!(monthly(vec![on(3, 900), on(0, 1000), on(1, 950)]), [1000]);
    assert_eq!(monthly(vec![on(0, 1000), on(0, 1000)]), [1000]);
    // Two prices of one day are two offers, and so are two sizes, two terms and two lists.
    assert_eq!(monthly(vec![on(0, 1000), on(0, 1100), on(1, 900)]), [1000, 1100]);
    let elsewhere = Offer { source: Slug::of("other").unwrap(), ..on(1, 900) };
    assert_eq!(monthly(vec![on(0, 1000), sized(on(1, 900), 4, 8), elsewhere]).len(), 3);
    // Two offerings of this marketplace may be called alike.
    let here = |price| Offer { source: Slug::of("marketplace").unwrap(), ..on(0, price) };
    assert_eq!(monthly(vec![here(1000), here(1000)]), [1000, 1000]);
}

#[test]
fn a_plan_that_stands_in_two_lists_is_one_offer() {
    let listed = |offer: Offer, source: &str, priced_on| Offer {
        source: Slug::of(source).unwrap(),
        priced_on,
        ..offer
    };
    let twice = |offer: Offer| {
        let without_traffic = Machine { traffic: None, ..offer.machine };
        let index = Offer { machine: without_traffic, ..offer.clone() };
        [listed(offer, "live", today()), listed(index, "index", today())]
    };
    let seven = (0..7_u64).flat_map(|number| twice(offer(&format!("p{number}"), 1000))).collect();
    let few = place_in(seven, &offer("this", 1000));
    assert!(matches!(few, Err(Silence::TooFew { providers: 7, peers: 7, .. })), "{few:?}");

    let of_one = |offers: [Offer; 2]| {
        let four_others = usual().into_iter().take(8);
        let all = four_others.chain(offers).collect();
        let explained = place_in(all, &offer("this", 1000)).unwrap().explained;
        let his = explained.nearest.iter().find(|peer| peer.seller.name() == "a").unwrap().clone();
        (explained.peers - 8, his.source.as_str().to_owned())
    };
    let a = |source: &str, price, priced_on| listed(offer("a", price), source, priced_on);
    let other = |offer: Offer| Offer { name: "other plan".to_owned().try_into().unwrap(), ..offer };
    let yesterday = today().minus(1);
    for (offers, expected) in [
        ([a("b-list", 900, today()), a("a-list", 1100, yesterday)], (1, "b-list")),
        ([a("b-list", 900, yesterday), a("a-list", 1100, today())], (1, "a-list")),
        ([a("b-list", 900, today()), a("a-list", 1100, today())], (1, "a-list")),
        ([a("marketplace", 900, today()), a("a-list", 1100, today())], (1, "marketplace")),
        // Two plans of one size in one list are two offers, and so are two sizes in two lists.
        ([a("a-list", 900, today()), other(a("a-list", 1100, yesterday))], (2, "a-list")),
        ([a("b-list", 900, today()), sized(a("a-list", 700, today()), 2, 2)], (2, "b-list")),
    ] {
        assert_eq!(of_one(offers), (expected.0, expected.1.to_owned()));
    }
}

#[test]
fn what_offerings_come_to_is_as_of_the_oldest_of_their_markets() {
    let of = |on: Day, price| {
        let position = place_in(usual(), &offer("this", price)).unwrap();
        let explained = Explained { on, ..position.explained.clone() };
        Position { explained, ..position }
    };
    let positions = [of(today(), 1000), of(today().minus(3), 500)];
    let fact = PriceFact::of(positions.iter()).unwrap();
    assert_eq!((fact.on, fact.offerings), (today().minus(3), 2));
    assert_eq!(PriceFact::of([].iter()), None);
}

#[test]
fn where_a_region_has_too_few_the_world_is_asked_and_that_is_said() {
    let this = Offer { place: Place::In(RegionGroup::Other), ..offer("this", 1000) };
    assert_eq!(place_in(usual(), &this).unwrap().explained.scope, Scope::World);
    let nowhere = Offer { place: Place::NotSaid, ..offer("this", 1000) };
    assert_eq!(place_in(usual(), &nowhere).unwrap().explained.scope, Scope::World);
    let everywhere: Vec<Offer> =
        usual().into_iter().map(|offer| Offer { place: Place::Everywhere, ..offer }).collect();
    assert_eq!(place_in(everywhere, &this).unwrap().explained.scope, Scope::Region(RegionGroup::Other));
}

#[test]
fn an_operator_has_one_vote_under_however_many_names() {
    let many = (0..40).map(|number| Offer {
        seller: Seller::Here(format!("k{number}").parse().unwrap(), Some("flooder".parse().unwrap())),
        ..offer("x", 100)
    });
    let mut offers = usual();
    let before = place_in(offers.clone(), &offer("this", 1000)).unwrap();
    offers.extend(many);
    let after = place_in(offers, &offer("this", 1000)).unwrap();
    assert_eq!(after.explained.providers, before.explained.providers + 1);
    let moved = after.standing.median.abs_diff(before.standing.median) as f64 / before.standing.median as f64;
    assert!(moved < 0.06, "{moved}");
}

#[test]
fn what_can_not_be_compared_is_dropped_with_the_reason() {
    let dollars = Amount { currency: "GBP".to_owned().try_into().unwrap(), ..cents(1000) };
    let tiny = Machine { memory: Size::mib(4), ..offer("x", 1).machine };
    let promotional = Basis { kind: PriceKind::Promotional, ..offer("x", 1).basis };
    let expected = [
        (offer("a", 0), DropReason::NoPrice),
        (Offer { monthly: dollars, ..offer("b", 1) }, DropReason::NoRate),
        (Offer { machine: tiny, ..offer("c", 1000) }, DropReason::NotSound),
        (Offer { priced_on: today().minus(91), ..offer("d", 1000) }, DropReason::TooOld),
        (Offer { priced_on: today().next().next(), ..offer("e", 1000) }, DropReason::OfTheFuture),
        (Offer { basis: promotional, ..offer("f", 1000) }, DropReason::Promotional),
        (
            Offer { monthly: Amount { millionths: 1 << 62, ..cents(1) }, ..offer("g", 1) },
            DropReason::NotSound,
        ),
    ];
    let offers: Vec<Offer> =
        expected.iter().map(|(offer, _)| offer.clone()).chain([offer("h", 1000)]).collect();
    let (market, dropped) = Market::gather(PricePolicy::current(), offers, rates(), today());
    let found: Vec<(Offer, DropReason)> = dropped.into_iter().map(|of| (of.offer, of.reason)).collect();
    assert_eq!(found, expected);
    assert_eq!((market.offers().len(), market.dropped().values().sum::<u64>()), (1, 7));
}

#[test]
fn a_thousand_read_as_one_is_dropped_as_an_outlier_and_the_list_around_it_stays() {
    let list = |sizes: [(u16, u64, u64); 6]| {
        sizes.map(|(vcpus, gib, price)| sized(offer("hoster", price), vcpus, gib))
    };
    let offers = list([
        (1, 2, 4_100),
        (2, 4, 8_300),
        (4, 8, 16_500),
        (8, 16, 33_100),
        (16, 32, 66_200),
        (32, 64, 132),
    ]);
    let (market, dropped) = Market::gather(PricePolicy::current(), offers, rates(), today());
    // 1,324 dollars, read as 1.324.
    assert_eq!(dropped.len(), 1);
    assert_eq!((dropped[0].reason, dropped[0].offer.monthly), (DropReason::Outlier, cents(132)));
    assert_eq!(market.offers().len(), 5);
}

#[test]
fn a_price_gets_old_and_counts_less_until_it_counts_no_more() {
    let policy = PricePolicy::current();
    let at = |days: u16| {
        let (dear, cheap) = (usual(), usual());
        let dear =
            dear.into_iter().map(|offer| Offer { monthly: cents(offer.monthly.millionths / 5_000), ..offer });
        let cheap = cheap.into_iter().map(|offer| {
            let seller = Seller::Elsewhere(Slug::of(&format!("c-{}", offer.seller.name())).unwrap());
            Offer { seller, priced_on: today().minus(days), ..offer }
        });
        let (market, _) = Market::gather(policy, dear.chain(cheap), rates(), today());
        market.place(policy, &offer("this", 1500), &BTreeSet::new()).unwrap().standing.median
    };
    let (fresh, older, gone) = (at(0), at(60), at(91));
    assert!(fresh < older && older < gone, "{fresh} {older} {gone}");
}

#[test]
fn an_offering_of_ours_that_does_not_say_enough_says_what_is_missing() {
    let offering: Offering = serde_json::from_value(serde_json::json!({
        "provider_id": "p", "offering_id": "o", "name": "Small", "specification": { "memory_mib": 4096 }
    }))
    .unwrap();
    let missing = Offer::of_offering(&offering, None, today()).unwrap_err();
    assert_eq!(missing, [Missing::Price, Missing::Class, Missing::Vcpus]);
    assert_eq!(
        why_not(&Silence::Incomplete(missing)),
        "the offering does not say what it costs, what kind of machine it is, how many CPUs it has"
    );
}

#[test]
fn a_tariff_becomes_a_month_with_its_setup_fee_over_a_year_at_least() {
    let tariff = |per: &str, months: u16, setup: u64| -> Tariff {
        let said = serde_json::json!({ "per": per, "commitment_months": months, "setup_minor_units": setup });
        serde_json::from_value(said).unwrap()
    };
    for (asked, tariff, monthly) in [
        (1, tariff("hour", 0, 0), 730),
        (1000, tariff("month", 0, 0), 1000),
        (3000, tariff("quarter", 0, 0), 1000),
        (12_000, tariff("year", 12, 0), 1000),
        (1000, tariff("month", 0, 1200), 1100),
        (1000, tariff("month", 24, 2400), 1100),
    ] {
        assert_eq!(cents(asked).a_month(&tariff), Some(cents(monthly)), "{tariff:?}");
    }
    let basis = Basis::of(&tariff("year", 0, 0));
    assert_eq!((basis.billing, basis.term), (Billing::Prepaid, Term::Year));
    assert_eq!(Basis::of(&tariff("hour", 0, 0)).billing, Billing::Hourly);
    assert_eq!(
        Amount { millionths: u64::MAX, currency: Currency::EURO }.a_month(&tariff("hour", 0, 0)),
        None
    );
}

#[test]
fn a_market_reads_back_as_it_is_kept_and_says_the_same() {
    let policy = PricePolicy::current();
    let (market, _) = Market::gather(policy, usual(), rates(), today());
    let kept = postcard::to_allocvec(market.sheet()).unwrap();
    let read: Sheet = postcard::from_bytes(&kept).unwrap();
    assert_eq!(Market::from(read), market);
    assert!(kept.len() < 80 * market.offers().len(), "{} bytes an offer", kept.len() / market.offers().len());
}

#[test]
fn amounts_are_written_in_their_minor_units() {
    let of =
        |millionths, code: &str| amount(Amount { millionths, currency: code.to_owned().try_into().unwrap() });
    assert_eq!(of(9_994_999, "EUR"), "9.99 EUR");
    assert_eq!(of(9_995_000, "EUR"), "10.00 EUR");
    assert_eq!(of(1_500_500_000, "JPY"), "1501 JPY");
    assert_eq!(of(1_234_500, "KWD"), "1.235 KWD");
}

fn any_offers() -> impl Strategy<Value = Vec<Offer>> {
    let one = (0..12_u8, 1..5_u16, 1..5_u64, 300..4000_u64, 0..100_u16);
    prop::collection::vec(one, 0..60).prop_map(|rows| {
        rows.into_iter()
            .map(|(seller, vcpus, gib, price, age)| {
                let sized = sized(offer(&format!("p{seller}"), price), vcpus, gib);
                Offer { priced_on: today().minus(age), ..sized }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_in_which_offers_came_changes_nothing(offers in any_offers(), seed in 0..1000_usize) {
        let mut turned = offers.clone();
        turned.reverse();
        turned.rotate_left(seed % offers.len().max(1));
        let this = offer("this", 1000);
        prop_assert_eq!(place_in(offers, &this), place_in(turned, &this));
    }

    #[test]
    fn a_dearer_price_is_never_nearer_to_cheap(offers in any_offers(), price in 300..4000_u64, more in 1..500_u64) {
        let (low, high) = (place_in(offers.clone(), &offer("this", price)), place_in(offers, &offer("this", price + more)));
        match (low, high) {
            (Ok(low), Ok(high)) => {
                prop_assert!(low.standing.difference.at < high.standing.difference.at);
                prop_assert!(low.standing.percentile <= high.standing.percentile);
                prop_assert_eq!(low.standing.median, high.standing.median);
            }
            (low, high) => prop_assert_eq!(low, high),
        }
    }

    #[test]
    fn the_difference_lies_within_its_interval_and_is_the_same_in_any_currency(offers in any_offers(), price in 300..4000_u64) {
        let euro = place_in(offers.clone(), &offer("this", price));
        let dollars = |offer: Offer| Offer {
            monthly: Amount { millionths: offer.monthly.millionths * 5 / 4, currency: Currency::US_DOLLAR }, ..offer
        };
        let dollar = place_in(offers.into_iter().map(dollars).collect(), &dollars(offer("this", price)));
        if let Ok(Position { standing, .. }) = &euro {
            let of = standing.difference;
            prop_assert!(of.low <= of.at && of.at <= of.high);
            prop_assert!(standing.middle_half.0 <= standing.middle_half.1);
        }
        prop_assert_eq!(euro.map(|of| of.standing), dollar.map(|of| of.standing));
    }
}
