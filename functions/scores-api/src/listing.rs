//! Lists of providers: in which order, and which of them.
//!
//! Without a filter a page is one read of the table. With one, whatever the order, cards are read on from the cursor until the page is
//! full, but no further than [`read_at_most`]: then the page is answered as it is, and the next one goes on from there.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::de::DeserializeOwned;
use table::{Card, Cursor, Page, Sort, Table, TableError};
use trust::{
    id::{OperatorId, ProviderId, Region},
    policy::Family,
    summary::{Concern, Track},
};

use crate::{
    Refusal, Shared, answer,
    asked::{MOST, Parameters, bad},
    overview::{Overview, Window},
    page::{self, Compared},
    view::{
        figures::Listed,
        provider::{ListedProvider, Named},
        score::family_name,
    },
};

/// Most cards that are read for one page: about 40 read units by score, and one unit a card otherwise, since those are read one by one.
fn read_at_most(sort: Sort) -> usize {
    if sort == Sort::Score { 500 } else { 200 }
}

/// Most ids that are named at once: what DynamoDB reads in a batch.
const MOST_NAMED: usize = 100;

/// Most providers side by side: what fits on a screen.
pub(crate) const MOST_COMPARED: usize = 4;

/// Most characters of a search.
const LONGEST_SEARCH: usize = 64;

/// The parameters of a list.
pub(crate) const PARAMETERS: [&str; 17] = [
    "sort",
    "limit",
    "cursor",
    "q",
    "track",
    "flags",
    "without",
    "min_score",
    "min_uptime",
    "min_replies",
    "min_contracts",
    "min_feedback",
    "min_claims",
    "region",
    "max_price",
    "ids",
    "operator",
];

/// What somebody wants listed.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) sort: Sort,
    after: Option<Cursor>,
    limit: u16,
    filter: Filter,
}

/// Which providers. Whatever is absent admits all.
#[derive(Debug, Default, PartialEq)]
struct Filter {
    search: Option<String>,
    track: Option<Track>,
    unflagged: bool,
    without: Vec<Concern>,
    least_score: Option<f64>,
    least: Vec<(Family, f64)>,
    region: Option<Region>,
    most_price: Option<f64>,
}

impl Wanted {
    pub(crate) fn of(parameters: &Parameters) -> Result<Self, Refusal> {
        let sort = sort(parameters)?;
        let after = parameters.cursor()?;
        if after.as_ref().is_some_and(|after| !sort.has(after)) {
            return Err(bad("cursor", "not a cursor of a list in this order"));
        }
        Ok(Self { sort, after, limit: parameters.limit()?, filter: Filter::of(parameters)? })
    }
}

fn sort(parameters: &Parameters) -> Result<Sort, Refusal> {
    let Some(name) = parameters.get("sort") else { return Ok(Sort::default()) };
    let names = Sort::ALL.map(Sort::name).join(", ");
    Sort::ALL
        .into_iter()
        .find(|sort| sort.name() == name)
        .ok_or_else(|| bad("sort", format!("one of {names}")))
}

impl Filter {
    fn of(parameters: &Parameters) -> Result<Self, Refusal> {
        let least = |family: Family| {
            let name = format!("min_{}", family_name(family));
            let Some(text) = parameters.get(&name) else { return Ok(None) };
            number(&name, text, 1.0).map(|least| Some((family, least)))
        };
        let least = Family::ALL.into_iter().map(least).collect::<Result<Vec<_>, Refusal>>()?;
        let upto =
            |name: &str, most: f64| parameters.get(name).map(|text| number(name, text, most)).transpose();
        Ok(Self {
            search: parameters.get("q").map(search).transpose()?,
            track: parameters.get("track").map(|name| word("track", name)).transpose()?,
            unflagged: match parameters.get("flags") {
                None => false,
                Some("none") => true,
                Some(_) => return Err(bad("flags", "\"none\" is all it may be")),
            },
            without: parameters.get("without").map(concerns).transpose()?.unwrap_or_default(),
            least_score: upto("min_score", 100.0)?,
            least: least.into_iter().flatten().collect(),
            region: parameters.get("region").map(region).transpose()?,
            most_price: upto("max_price", 100.0)?,
        })
    }

    fn admits(&self, card: &Card) -> bool {
        let found = |wanted: &String| {
            card.name.to_lowercase().contains(wanted)
                || card.provider.as_str().to_lowercase().starts_with(wanted)
        };
        let flagged = |concern: &Concern| card.flags.iter().any(|flag| flag.concern == *concern);
        let reaches = |(family, least): &(Family, f64)| {
            card.family(*family).is_some_and(|found| found.mean.value() >= *least)
        };
        self.search.as_ref().is_none_or(found)
            && self.track.is_none_or(|track| card.track == track)
            && (!self.unflagged || card.flags.is_empty())
            && !self.without.iter().any(flagged)
            && self.least_score.is_none_or(|least| card.score.is_some_and(|(_, low, _)| low.value() >= least))
            && self.least.iter().all(reaches)
            && self.region.as_ref().is_none_or(|region| card.regions.contains(region))
            && self
                .most_price
                .is_none_or(|most| card.price.is_some_and(|price| f64::from(price) <= most * 1000.0))
    }
}

fn number(name: &str, text: &str, most: f64) -> Result<f64, Refusal> {
    // No range has "nan" or "inf" in it.
    let number = text.parse().ok().filter(|number| (0.0..=most).contains(number));
    number.ok_or_else(|| bad(name, format!("a number from 0 to {most}")))
}

fn search(text: &str) -> Result<String, Refusal> {
    if text.is_empty() || text.chars().count() > LONGEST_SEARCH {
        return Err(bad("q", format!("1 to {LONGEST_SEARCH} characters")));
    }
    Ok(text.to_lowercase())
}

/// One of the domain's words. The error names them all.
fn word<T: DeserializeOwned>(parameter: &str, text: &str) -> Result<T, Refusal> {
    serde_json::from_value(text.into()).map_err(|error| bad(parameter, error.to_string()))
}

fn concerns(names: &str) -> Result<Vec<Concern>, Refusal> {
    names.split(',').map(|name| word("without", name)).collect()
}

fn region(text: &str) -> Result<Region, Refusal> {
    text.parse().map_err(|error| bad("region", format!("{error}")))
}

/// The ids that are asked for, each once.
pub(crate) fn ids<'a>(
    name: &str,
    given: impl Iterator<Item = &'a str>,
    most: usize,
) -> Result<Vec<ProviderId>, Refusal> {
    let wrong = || bad(name, format!("1 to {most} ids, with commas between them"));
    let mut ids: Vec<ProviderId> = Vec::new();
    for text in given.flat_map(|text| text.split(',')) {
        let id = text.parse().map_err(|_| wrong())?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if (1..=most).contains(&ids.len()) { Ok(ids) } else { Err(wrong()) }
}

async fn find(table: &Table, wanted: &Wanted) -> Result<Page<Card>, TableError> {
    let Wanted { sort, after, limit, filter } = wanted;
    if *filter == Filter::default() {
        let Page { items, next } = table.providers(*sort, after.as_ref(), *limit).await?;
        return Ok(Page { items: items.into_iter().map(|(card, _)| card).collect(), next });
    }
    let (mut found, mut after, mut read) = (Vec::new(), after.clone(), 0);
    loop {
        let page = table.providers(*sort, after.as_ref(), MOST).await?;
        read += page.items.len();
        let last = page.items.len().saturating_sub(1);
        for (index, (card, place)) in page.items.into_iter().enumerate() {
            if !filter.admits(&card) {
                continue;
            }
            found.push(card);
            if found.len() == usize::from(*limit) {
                let is_end = index == last && page.next.is_none();
                return Ok(Page { items: found, next: (!is_end).then_some(place) });
            }
        }
        after = page.next;
        if after.is_none() || read >= read_at_most(*sort) {
            return Ok(Page { items: found, next: after });
        }
    }
}

pub(crate) async fn providers(
    State(table): Shared,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    parameters.check(&PARAMETERS)?;
    if let Some(ids) = named(&table, &parameters).await? {
        let cards = table.cards(&ids).await?;
        let unknown = ids.iter().zip(&cards).filter(|(_, card)| card.is_none()).map(|(id, _)| id.as_str());
        let named = Named {
            unknown: unknown.collect(),
            items: cards.iter().flatten().map(ListedProvider::of).collect(),
            next_cursor: None,
        };
        return Ok(answer::json(&headers, &named));
    }
    let page = find(&table, &Wanted::of(&parameters)?).await?;
    let next_cursor = page.next.as_ref().map(Cursor::to_opaque);
    let next = next_cursor.as_ref().map(|cursor| format!("/v1/providers?{}", parameters.query_at(cursor)));
    let listed = Listed { items: page.items.iter().map(ListedProvider::of).collect(), next_cursor };
    Ok(answer::with_next(answer::json(&headers, &listed), next.as_deref()))
}

/// The providers that are asked for one by one, if they are.
async fn named(table: &Table, parameters: &Parameters) -> Result<Option<Vec<ProviderId>>, Refusal> {
    if let Some(given) = parameters.get("ids") {
        parameters.check(&["ids"])?;
        return ids("ids", [given].into_iter(), MOST_NAMED).map(Some);
    }
    let Some(operator) = parameters.get("operator") else { return Ok(None) };
    parameters.check(&["operator"])?;
    let operator: OperatorId = operator.parse().map_err(|_| bad("operator", "the id of an operator"))?;
    let members = table.members(&operator).await?;
    Ok(Some(members.into_keys().take(MOST_NAMED).collect()))
}

pub(crate) async fn list_page(
    State(table): Shared,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let parameters = parameters.filled();
    match Wanted::of(&parameters) {
        Ok(wanted) => {
            let page = find(&table, &wanted).await?;
            Ok(answer::html(&headers, page::list(&parameters, &page)))
        }
        Err(Refusal::BadParameter { parameter, cause }) => {
            Ok(answer::html_with(StatusCode::BAD_REQUEST, page::bad_search(&parameters, &parameter, &cause)))
        }
        Err(refusal) => Err(refusal),
    }
}

pub(crate) async fn compare_page(
    State(table): Shared,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let parameters = parameters.filled();
    let given = parameters.all("ids").next().is_some();
    let asked = if given { ids("ids", parameters.all("ids"), MOST_COMPARED) } else { Ok(Vec::new()) };
    let Ok(asked) = asked else {
        return Ok(answer::html_with(StatusCode::BAD_REQUEST, page::bad_comparison()));
    };
    let now = lambda::clock::now();
    let (mut compared, mut unknown) = (Vec::new(), Vec::new());
    for id in asked {
        let summary = table.summary(&id).await?;
        match summary.and_then(|summary| Card::of(&summary).map(|card| (summary, card))) {
            Some((summary, card)) => {
                let facts = table.facts_of(&id).await?;
                let month = Overview::of(&facts, Window::month(now), now).tally();
                compared.push(Compared { summary, card, month });
            }
            None => unknown.push(id),
        }
    }
    Ok(answer::html(&headers, page::compare(&compared, &unknown)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn filter(pairs: &[(&str, &str)]) -> Result<Filter, String> {
        Filter::of(&Parameters::from_pairs(pairs)).map_err(|refusal| refusal.to_string())
    }

    fn admits(pairs: &[(&str, &str)], card: &Card) -> bool {
        filter(pairs).unwrap().admits(card)
    }

    #[test]
    fn each_filter_admits_what_it_says_and_without_any_all_are_admitted() {
        let (good, silent, new) =
            (samples::card("good", 30), samples::silent_card("silent"), samples::card("new", 0));
        for (pairs, expected) in [
            (&[][..], [true, true, true]),
            (&[("flags", "none")], [true, false, true]),
            (&[("without", "silent")], [true, false, true]),
            (&[("without", "rejections,no-responses")], [true, true, true]),
            (&[("track", "new")], [false, false, true]),
            (&[("min_contracts", "0.8")], [true, true, false]),
            (&[("min_uptime", "0")], [false, false, false]),
            (&[("min_score", "50")], [true, false, false]),
            (&[("q", "GOO")], [true, false, false]),
            (&[("q", "provider n")], [false, false, true]),
            (&[("region", "eu-1")], [false, false, false]),
            (&[("max_price", "1")], [false, false, false]),
        ] {
            assert_eq!([&good, &silent, &new].map(|card| admits(pairs, card)), expected, "{pairs:?}");
        }
        let placed = Card { regions: ["eu-1".parse().unwrap()].into(), price: Some(1000), ..good };
        assert!(admits(&[("region", "eu-1"), ("max_price", "1.0")], &placed));
        assert!(!admits(&[("max_price", "0.99")], &placed));
    }

    #[test]
    fn a_filter_that_can_not_be_understood_is_refused_by_its_name() {
        for (name, value) in [
            ("min_replies", "1.01"),
            ("min_replies", "-0.1"),
            ("min_replies", "NaN"),
            ("min_replies", "inf"),
            ("min_replies", "."),
            ("min_score", "101"),
            ("max_price", "cheap"),
            ("flags", "some"),
            ("without", "silent,"),
            ("without", "price"),
            ("track", "gone"),
            ("q", ""),
            ("q", &"x".repeat(65)),
            ("region", "a b"),
        ] {
            let refused = filter(&[(name, value)]).unwrap_err();
            assert!(refused.starts_with(&format!("{name}: ")), "{name}={value}: {refused}");
        }
    }

    #[test]
    fn ids_keep_their_order_and_come_once() {
        let given = |text: &str| {
            ids("ids", [text].into_iter(), 3)
                .map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(given("b,a,b").unwrap(), ["b", "a"]);
        for wrong in ["", "a,,b", "a b", "a,b,c,d"] {
            assert!(given(wrong).is_err(), "{wrong}");
        }
    }
}
