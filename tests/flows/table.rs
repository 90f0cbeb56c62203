//! What the table promises whoever uses it, on whatever DynamoDB it stands: indexes, cursors, batches, versions and ends of pages.

use std::collections::BTreeSet;

use table::{Cursor, PageFacts, Sort, Table, TableError};
use trust::{
    contract::{ContractCount, Outcome},
    id::ProviderId,
    marketplace::{Happened, Profile},
    policy::Policy,
    renters::{Renters, Served},
    source::PageId,
    summary::{Signals, Summary, summarise},
    time::Moment,
};

use crate::fresh_table::fresh_table;

fn start() -> Moment {
    Moment::parse("2026-11-20T12:00:00Z").unwrap()
}

fn id(number: u32) -> ProviderId {
    format!("p{number:03}").parse().unwrap()
}

/// A registered provider who has completed so many contracts, as of a moment.
fn summary(number: u32, completed: u64, as_of: Moment) -> Summary {
    let mut signals = Signals::default();
    let profile = Profile {
        provider_id: id(number),
        // The larger the number, the earlier in the alphabet.
        name: format!("Provider {:03}", 999 - number).try_into().unwrap(),
        operator_id: None,
        website: None,
        chat: None,
        agents: BTreeSet::new(),
    };
    signals.provider.join(start().plus(i64::from(number)), &Happened::ProviderRegistered(profile));
    if completed > 0 {
        let count = ContractCount::Outcome(Outcome::Completed);
        signals.days.contracts.entry(as_of.day().minus(1)).or_default().insert(count, completed);
        signals.renters = Renters::new(Served::of(1).map(|once| (once, completed)).into_iter().collect());
    }
    summarise(Policy::current(), &id(number), &signals, as_of)
}

async fn written(table: &Table, providers: u32) {
    for number in 0..providers {
        let summary = summary(number, u64::from(number % 3) * 10, start());
        table.write_summary(&summary, 0, start().plus(i64::from(number) * 60)).await.unwrap();
    }
}

/// All providers of a list, page by page.
async fn listed(table: &Table, sort: Sort, limit: u16) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = table.providers(sort, after.as_ref(), limit).await.unwrap();
        assert!(page.items.len() <= usize::from(limit));
        found.extend(page.items.iter().map(|(card, _)| card.provider.to_string()));
        match page.next {
            Some(next) => after = Some(Cursor::parse(&next.to_opaque()).unwrap()),
            None => return found,
        }
    }
}

#[tokio::test]
async fn a_list_has_everybody_once_in_its_order_whatever_the_pages() {
    let table = fresh_table().await;
    written(&table, 25).await;
    let everybody: Vec<String> = (0..25).map(|number| id(number).to_string()).collect();
    let newest: Vec<String> = everybody.iter().rev().cloned().collect();
    for limit in [1, 7, 25, 100] {
        for sort in Sort::ALL {
            let mut found = listed(&table, sort, limit).await;
            if sort == Sort::Newest || sort == Sort::Name {
                assert_eq!(found, newest, "{sort:?} by {limit}");
            }
            found.sort();
            assert_eq!(found, everybody, "{sort:?} by {limit}");
        }
    }
    let best = listed(&table, Sort::Score, 10).await;
    let number = |provider: &String| provider[1..].parse::<u32>().unwrap() % 3;
    assert!(best.windows(2).all(|pair| number(&pair[0]) >= number(&pair[1])), "{best:?}");
    // Behind a provider who moves on while somebody reads, nobody is left out or repeated.
    let first = table.providers(Sort::Score, None, 5).await.unwrap();
    let moved = first.items[0].0.provider.clone();
    let moved_number: u32 = moved.as_str()[1..].parse().unwrap();
    table.write_summary(&summary(moved_number, 0, start()), 1, start()).await.unwrap();
    let rest = table.providers(Sort::Score, first.next.as_ref(), 100).await.unwrap();
    let rest: BTreeSet<_> = rest.items.iter().map(|(card, _)| card.provider.clone()).collect();
    assert!(first.items[1..].iter().all(|(card, _)| !rest.contains(&card.provider)));
    assert_eq!(rest.len(), 21, "twenty, and the one who moved");
}

#[tokio::test]
async fn what_is_due_comes_longest_due_first_and_not_before_its_time() {
    let table = fresh_table().await;
    written(&table, 12).await;
    let numbers = |found: Vec<ProviderId>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
    let due = table.due(start().plus(5 * 60), 100).await.unwrap();
    assert_eq!(numbers(due), (0..=5).map(|number| id(number).to_string()).collect::<Vec<_>>());
    assert_eq!(numbers(table.due(start().plus(5 * 60), 2).await.unwrap()), ["p000", "p001"]);
    assert_eq!(table.due(start().plus(-1), 100).await.unwrap(), []);
    // Made anew, it is due another time.
    table.write_summary(&summary(0, 0, start()), 1, start().plus(86_400)).await.unwrap();
    assert_eq!(numbers(table.due(start().plus(60), 100).await.unwrap()), ["p001"]);
}

#[tokio::test]
async fn a_summary_is_read_as_it_was_written_and_never_written_over_a_newer_one() {
    let table = fresh_table().await;
    let (first, second) = (summary(1, 10, start()), summary(1, 20, start().plus(60)));
    table.write_summary(&first, 0, start()).await.unwrap();
    let late = table.write_summary(&second, 0, start()).await;
    assert!(matches!(late, Err(TableError::Conflict)), "{late:?}");
    assert_eq!(table.summary(&id(1)).await.unwrap(), Some(first));
    table.write_summary(&second, 1, start()).await.unwrap();
    assert_eq!(table.summary(&id(1)).await.unwrap(), Some(second));
    assert_eq!(table.summary(&id(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_history_is_read_page_by_page_the_latest_day_first() {
    let table = fresh_table().await;
    for day in 0..10 {
        let summary = summary(1, 10, start().plus(day * 86_400));
        table.write_summary(&summary, day as u64, start()).await.unwrap();
    }
    let (mut days, mut before) = (Vec::new(), None);
    loop {
        let history = table.history(&id(1), before.as_ref(), 4).await.unwrap();
        days.extend(history.page.items.iter().map(|entry| entry.day));
        assert_eq!(history.before.is_some(), history.page.next.is_some());
        match history.page.next {
            Some(next) => before = Some(next),
            None => break,
        }
    }
    let expected: Vec<_> = (0..10).rev().map(|day| start().plus(day * 86_400).day()).collect();
    assert_eq!(days, expected);
}

#[tokio::test]
async fn a_batch_of_more_than_a_hundred_is_read_whole_in_its_order_with_gaps_where_nobody_is() {
    let table = fresh_table().await;
    written(&table, 120).await;
    let asked: Vec<ProviderId> = (0..240).rev().map(id).collect();
    let cards = table.cards(&asked).await.unwrap();
    assert_eq!(cards.len(), asked.len());
    for (asked, card) in asked.iter().zip(cards) {
        let number: u32 = asked.as_str()[1..].parse().unwrap();
        assert_eq!(card.map(|card| card.provider), (number < 120).then(|| asked.clone()));
    }
}

#[tokio::test]
async fn a_page_that_says_what_it_said_was_read_again_and_one_of_which_nothing_is_kept_stays_so() {
    let (table, provider) = (fresh_table().await, id(1));
    let page = |subject: &str| PageId {
        source: "site".parse().unwrap(),
        page: "plans".parse().unwrap(),
        subject: Some(subject.parse().unwrap()),
    };
    let said =
        PageFacts { read_at: start(), address: "https://site.example".to_owned(), facts: "[]".to_owned() };
    table.write_rated(&provider, &page("known"), &said).await.unwrap();
    for subject in ["known", "unknown"] {
        table.rated_as_before(&provider, &page(subject), start().plus(60)).await.unwrap();
    }
    let again = PageFacts { read_at: start().plus(60), ..said };
    assert_eq!(table.independent_of(&provider).await.unwrap().rated, [(page("known"), again)]);
}
