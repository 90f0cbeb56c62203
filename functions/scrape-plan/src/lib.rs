//! Once an hour: the pages of independent sources that are due, onto the scrape queue, one message a page.
//!
//! What is due stands with each page, not with the run: what was read today is not due, so a run that dies is gone on with by the next,
//! and a page that is planned twice is read once. The hour is for that; each page is read once in its own time, a day. At most as many
//! go out as the source's day has left, those first that were read longest ago, each behind the one before by the source's delay.

use std::collections::{BTreeMap, BTreeSet};

use lambda::{
    Clients, Environment, Queue, StartError,
    queue::{Message, NotSent},
};
use serde_json::{Value, json};
use sources::configuration::{Configuration, Pace, Source};
use table::{Table, TableError};
use trust::{
    source::{PageId, SourceName, Subject, page::Page, state::Census},
    time::Moment,
};

/// The longest that a queue holds back a message, in seconds. What would have to wait longer is for the next run.
const LONGEST_DELAY: u32 = 900;

/// How often the census of a source is written anew when somebody else has written its state meanwhile.
const TRIES: usize = 5;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    table: Table,
    queue: Queue,
    configuration: Configuration,
    contact: Contact,
}

/// Whether those we ask can be told whom to turn to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// They can.
    Given,
    /// They can not, so nobody is asked.
    Missing,
}

impl App {
    /// Connects to the table that `TABLE_NAME` names and the queue at `SCRAPE_QUEUE_URL`, to plan the sources of the configuration that
    /// `SOURCES` names with the changes in `SOURCES_CHANGES`. Without `PROBE_CONTACT` nothing is planned.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let configuration =
            Configuration::named(environment.required("SOURCES")?, environment.optional("SOURCES_CHANGES"))
                .map_err(|invalid| StartError::Unavailable(invalid.to_string()))?;
        let clients = Clients::new(environment)?;
        let table = Table::new(clients.dynamodb(), environment.required("TABLE_NAME")?);
        table.warm().await;
        let queue = Queue::connect(environment, &clients, "SCRAPE_QUEUE_URL")?;
        let contact = environment.optional("PROBE_CONTACT").map_or(Contact::Missing, |_| Contact::Given);
        Ok(Self { table, queue, configuration, contact })
    }
}

/// Why the pages that are due could not be planned. The next run tries again.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The queue did not take all pages.
    #[error(transparent)]
    Queue(#[from] NotSent),
}

/// Handles a scheduled run.
pub async fn handle(app: &App, _event: Value) -> Result<Value, lambda_runtime::Error> {
    let planned = plan(app, lambda::clock::now()).await?;
    Ok(json!({ "planned": planned }))
}

/// Plans what is due at this time, and says how many pages were sent. A source that can not be planned does not keep the others back.
pub async fn plan(app: &App, now: Moment) -> Result<usize, PlanError> {
    if app.contact == Contact::Missing {
        tracing::info!("no PROBE_CONTACT, so no source is asked");
        return Ok(0);
    }
    let (mut planned, mut failed) = (0, None);
    for (name, source) in app.configuration.sources.iter().filter(|(_, source)| source.enabled) {
        match plan_source(app, name, source, now).await {
            Ok(pages) => planned += pages,
            Err(error) => {
                tracing::error!(%error, source = %name, "a source can not be planned");
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(planned), Err)
}

async fn plan_source(app: &App, name: &SourceName, source: &Source, now: Moment) -> Result<usize, PlanError> {
    let pace = app.configuration.pace(source);
    let names = app.table.names_in(name).await?;
    let confirmed: BTreeSet<Subject> = names
        .into_iter()
        .filter(|(_, mapping)| mapping.confirmed().is_some())
        .map(|(subject, _)| subject)
        .collect();
    let known = app.table.pages_of(name).await?;
    let pages: Vec<(PageId, Option<&Page>)> = source
        .all_pages(name, &confirmed)
        .into_iter()
        .filter(|id| is_wanted(source, id, &known))
        .map(|id| (known.get(&id), id))
        .map(|(page, id)| (id, page))
        .collect();
    take_census(app, name, &pages, pace, now).await?;
    if app.table.source_stop(name).await?.is_some() {
        return Ok(0);
    }
    let state = app.table.source_state(name).await?.value;
    if state.breaker.open_until(now).is_some() {
        return Ok(0);
    }
    // After a pause one page finds out whether it is over.
    let most = if state.breaker.pauses > 0 { 1 } else { state.left_today(pace.requests_a_day, now) };
    let messages = messages(pages, most, pace, now);
    let sent = messages.len();
    app.queue.send(messages).await?;
    Ok(sent)
}

/// Whether a page is read at all: a second best only while the page that it stands in for can not be read.
fn is_wanted(source: &Source, id: &PageId, known: &BTreeMap<PageId, Page>) -> bool {
    let Some(first) = source.pages.get(&id.page).and_then(|pages| pages.instead_of.clone()) else {
        return true;
    };
    known.get(&PageId { page: first, ..id.clone() }).is_some_and(|page| page.failing.is_some())
}

/// Counts how the pages stand, for those who want to know.
async fn take_census(
    app: &App,
    name: &SourceName,
    pages: &[(PageId, Option<&Page>)],
    pace: Pace,
    now: Moment,
) -> Result<(), TableError> {
    let census = pages
        .iter()
        .fold(Census::default(), |census, (_, page)| census.with(*page, pace.refresh_seconds, now));
    for _ in 0..TRIES {
        let mut stored = app.table.source_state(name).await?;
        stored.value.census = Some(census);
        match app.table.write_source_state(name, &stored.value, stored.version).await {
            Err(TableError::Conflict) => {}
            outcome => return outcome,
        }
    }
    tracing::warn!(source = %name, "the census is not written: too many others write");
    Ok(())
}

/// The pages that are due, those first that were read longest ago or never, one behind the other.
fn messages(pages: Vec<(PageId, Option<&Page>)>, most: u32, pace: Pace, now: Moment) -> Vec<Message> {
    let mut due: Vec<(Option<Moment>, PageId)> = pages
        .into_iter()
        .filter(|(_, page)| page.is_none_or(|page| page.is_due(now)))
        .map(|(id, page)| (page.and_then(|page| page.tried_at), id))
        .collect();
    due.sort();
    let step = pace.delay_seconds.saturating_add(pace.jitter_seconds);
    (0..most)
        .zip(due)
        .map(|(place, (_, id))| Message { body: json!(id).to_string(), delay: place.saturating_mul(step) })
        .take_while(|message| message.delay <= LONGEST_DELAY)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::source::{
        failure::Failure,
        page::{Asked, Validators},
        recognition::{Fingerprint, Recognition},
    };

    const PACE: Pace = Pace {
        delay_seconds: 10,
        jitter_seconds: 5,
        requests_a_day: 50,
        refresh_seconds: 86_400,
        robots_seconds: 86_400,
        most_bytes: 1_024,
    };

    fn at(seconds: i64) -> Moment {
        Moment::from_unix(1_790_000_000 + seconds).unwrap()
    }

    fn id(subject: &str) -> PageId {
        PageId {
            source: "a".parse().unwrap(),
            page: "plan".parse().unwrap(),
            subject: Some(subject.parse().unwrap()),
        }
    }

    fn read(when: i64) -> Page {
        let asked = Asked::Recognised {
            recognition: Recognition::new(1, 1),
            by: Fingerprint::of(["1"]),
            validators: Validators::default(),
        };
        Page::default().after(asked, String::new(), at(when), 86_400).0
    }

    fn planned(pages: &[(&str, Option<&Page>)], most: u32, now: Moment) -> Vec<(String, u32)> {
        let pages = pages.iter().map(|(subject, page)| (id(subject), *page)).collect();
        let subject = |body: String| {
            let id: PageId = serde_json::from_str(&body).unwrap();
            id.subject.unwrap().to_string()
        };
        messages(pages, most, PACE, now)
            .into_iter()
            .map(|message| (subject(message.body), message.delay))
            .collect()
    }

    #[test]
    fn what_was_read_today_is_not_planned_and_what_waits_longest_goes_first() {
        let (old, older, today) = (read(0), read(-100), read(80_000));
        let failing = old.after(Asked::Failed(Failure::Missing(404)), String::new(), at(86_400), 86_400).0;
        let pages = [
            ("old", Some(&old)),
            ("today", Some(&today)),
            ("older", Some(&older)),
            ("new", None),
            ("gone", Some(&failing)),
        ];
        let due = planned(&pages, 50, at(86_400));
        assert_eq!(due, [("new".to_owned(), 0), ("older".to_owned(), 15), ("old".to_owned(), 30)]);
        assert_eq!(planned(&pages, 1, at(86_400)).len(), 1);
        assert_eq!(planned(&pages, 0, at(86_400)).len(), 0);
    }

    #[test]
    fn what_would_wait_longer_than_a_queue_can_hold_is_for_the_next_run() {
        let subjects: Vec<String> = (0..100).map(|number| format!("s{number:03}")).collect();
        let pages: Vec<(&str, Option<&Page>)> =
            subjects.iter().map(|subject| (subject.as_str(), None)).collect();
        let due = planned(&pages, 100, at(0));
        assert_eq!((due.len(), due.last().unwrap().1), (61, 900));
    }
}
