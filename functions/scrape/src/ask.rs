//! From a message to one request, and from its answer to what is known.

use serde_json::json;
use sources::{
    configuration::{Found, OfferingOf, Pace},
    fetch::{Answer, Bounds, Fetcher, Rules},
    outcome::ParseOutcome,
    reading::{About, Facts, Gleaned, Offers},
};
use table::{KeptRates, PageFacts, Stored, TableError};
use trust::{
    id::ProviderId,
    source::{
        PageId, SourceName,
        failure::Failure,
        page::{self, Asked, Page, Validators},
        recognition::Fingerprint,
        state::State,
    },
    time::Moment,
};
use url::{Position, Url};

use crate::{App, Done, REQUEST, ScrapeError, Why, names, turn};

/// The most of what a page says that is kept, in bytes: an item of the table holds 400 KB.
const MOST_KEPT: usize = 350 * 1024;

/// How often a source's state is written anew when somebody else has written it meanwhile.
const TRIES: usize = 8;

pub(crate) async fn ask(
    app: &App,
    id: &PageId,
    clock: &(impl Fn() -> Moment + Sync),
) -> Result<Done, ScrapeError> {
    let now = clock();
    let wanted = match wanted(app, id, now).await? {
        Ok(wanted) => wanted,
        Err(why) => return Ok(Done::Dropped(why)),
    };
    let address =
        wanted.found.address(id.subject.as_ref()).map_err(|error| ScrapeError::Address(id.clone(), error))?;
    let delay = app.configuration.pace(wanted.found.source).delay_seconds;
    let held = match turn::take(&app.table, host(&address).to_owned(), now).await? {
        Ok(held) => held,
        Err(not_yet) => return Ok(Done::Later(not_yet.wait(now, delay))),
    };
    let heard = hear(app, id, wanted, address, clock).await;
    // A turn that is not given back keeps everybody from the host until it ends by itself, so it is even when something went wrong.
    let pause = heard.as_ref().map_or(delay, |(_, pause)| *pause);
    let done = match heard {
        Ok((Some(Heard { job, asked, gleaned, before }), _)) => {
            job.note(asked, gleaned, before, clock()).await
        }
        Ok((None, _)) => Ok(Done::Later(pause)),
        Err(error) => Err(error),
    };
    let given_back = held.give_back(&app.table, clock(), pause).await;
    let done = done?;
    given_back?;
    Ok(done)
}

/// By which name a host has its turn and its rules.
fn host(address: &Url) -> &str {
    &address[Position::BeforeHost..Position::AfterPort]
}

/// Asks the host once: for its rules where they are not known, or else for the page. Gives what came of the page, if it was its turn, and
/// for how many seconds nobody may ask the host after that.
async fn hear<'a>(
    app: &'a App,
    id: &'a PageId,
    Wanted { found, fetcher, page }: Wanted<'a>,
    address: Url,
    clock: &(impl Fn() -> Moment + Sync),
) -> Result<(Option<Heard<'a>>, u32), ScrapeError> {
    let now = clock();
    let pace = app.configuration.pace(found.source);
    let known = kept_rules(app, host(&address), pace, now).await?;
    let rules = if let Some(known) = known {
        known
    } else {
        let rules = read_rules(app, &id.source, fetcher, &address, clock).await?;
        if rules.is_reachable() {
            return Ok((None, pause(pace, &rules, 0)));
        }
        // Without them nothing is asked for, so that the page need not wait to learn it.
        rules
    };
    let request = Request::of(&rules, &address);
    let owner = owner(app, id, found).await?;
    let job = Job { app, id, found, address, pace, owner };
    if request == Request::Made {
        count(app, &id.source, now).await?;
    }
    let (asked, gleaned) = job.read(fetcher, &rules, &page.value, now).await;
    let pause = match (request, &asked) {
        (Request::None, _) => 0,
        (Request::Made, Asked::Failed(failure)) => pause(pace, &rules, failure.retry_after()),
        (Request::Made, _) => pause(pace, &rules, 0),
    };
    Ok((Some(Heard { job, asked, gleaned, before: page }), pause))
}

/// What came of asking for a page.
struct Heard<'a> {
    job: Job<'a>,
    asked: Asked,
    gleaned: Option<Gleaned>,
    before: Stored<Page>,
}

/// A page that is to be read, and what is needed for it.
struct Wanted<'a> {
    found: Found<'a>,
    fetcher: &'a Fetcher,
    page: Stored<Page>,
}

/// Whether a page is wanted.
async fn wanted<'a>(app: &'a App, id: &PageId, now: Moment) -> Result<Result<Wanted<'a>, Why>, TableError> {
    let Some(found) = app.configuration.find(id) else { return Ok(Err(Why::NotConfigured)) };
    let Some(fetcher) = &app.fetcher else { return Ok(Err(Why::NoContact)) };
    if !found.source.enabled || app.table.source_stop(&id.source).await?.is_some() {
        return Ok(Err(Why::Stopped));
    }
    let state = app.table.source_state(&id.source).await?.value;
    if state.breaker.open_until(now).is_some() {
        return Ok(Err(Why::Paused));
    }
    if state.left_today(app.configuration.pace(found.source).requests_a_day, now) == 0 {
        return Ok(Err(Why::BudgetSpent));
    }
    let page = app.table.page_of(id).await?;
    if !page.value.is_due(now) {
        return Ok(Err(Why::NotDue));
    }
    Ok(Ok(Wanted { found, fetcher, page }))
}

/// The host's rules, if they are known and may still be gone by.
async fn kept_rules(app: &App, host: &str, pace: Pace, now: Moment) -> Result<Option<Rules>, TableError> {
    let kept = app.table.host_rules(host).await?;
    // What another version has kept and this one can not read is read anew.
    let rules: Option<Rules> = kept.and_then(|kept| serde_json::from_str(&kept).ok());
    Ok(rules.filter(|rules| rules.are_fresh(pace.robots_seconds, now)))
}

/// Reads the host's rules.
async fn read_rules(
    app: &App,
    source: &SourceName,
    fetcher: &Fetcher,
    address: &Url,
    clock: &(impl Fn() -> Moment + Sync),
) -> Result<Rules, ScrapeError> {
    count(app, source, clock()).await?;
    let rules = fetcher.rules(address, REQUEST, clock()).await;
    let kept = serde_json::to_string(&rules)?;
    app.table.keep_host_rules(host(address), kept).await?;
    if !rules.is_reachable() {
        change(app, source, |state| state.without_rules(clock())).await?;
    }
    Ok(rules)
}

/// Counts a request before it is made: whatever becomes of it, the day's budget holds.
async fn count(app: &App, source: &SourceName, now: Moment) -> Result<(), TableError> {
    change(app, source, |state| state.counted(now)).await
}

/// Seconds until the host may be asked again, of which it has asked for so many itself.
fn pause(pace: Pace, rules: &Rules, told: u32) -> u32 {
    let by_chance = u32::from_be_bytes(lambda::random::bytes()) % pace.jitter_seconds.saturating_add(1);
    pace.delay_seconds.max(rules.delay()).saturating_add(by_chance).max(told)
}

/// Whether the host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// It is, which counts against the day, and others have to wait after it.
    Made,
    /// Its rules forbid it.
    None,
}

impl Request {
    fn of(rules: &Rules, address: &Url) -> Self {
        if rules.is_reachable() && rules.allow(address) { Self::Made } else { Self::None }
    }
}

/// One page that is to be read.
struct Job<'a> {
    app: &'a App,
    id: &'a PageId,
    found: Found<'a>,
    address: Url,
    pace: Pace,
    owner: Option<ProviderId>,
}

/// The provider whom a page is about, as an operator says.
async fn owner(app: &App, id: &PageId, found: Found<'_>) -> Result<Option<ProviderId>, TableError> {
    let Some(subject) = &id.subject else { return Ok(None) };
    if let Some(provider) = found.source.owner(subject) {
        return Ok(Some(provider.clone()));
    }
    let known = app.table.name_in(&id.source, subject).await?;
    Ok(known.and_then(|known| known.value.confirmed().cloned()))
}

impl Job<'_> {
    /// Asks for the page and reads what comes. Facts come with a page that is recognised, and with no other.
    async fn read(
        &self,
        fetcher: &Fetcher,
        rules: &Rules,
        page: &Page,
        now: Moment,
    ) -> (Asked, Option<Gleaned>) {
        if !rules.is_reachable() {
            return (Asked::Failed(Failure::RobotsUnreachable), None);
        }
        let (reader, by) = (self.found.pages.reader, self.read_by());
        let known = page.validators(by).filter(|_| reader.is_content_with_unchanged());
        let (bytes, validators) = match self.fetch(fetcher, rules, known, now).await {
            Err(failure) => return (Asked::Failed(failure), None),
            Ok(Answer::Unchanged) => return (Asked::Unchanged, None),
            Ok(Answer::Page { bytes, validators }) => (bytes, validators),
        };
        let about = About {
            source: &self.id.source,
            subject: self.id.subject.as_ref(),
            address: self.address.as_str(),
            on: now.day(),
            labels: &self.found.source.labels,
        };
        match reader.read(&bytes, &about) {
            ParseOutcome::Unrecognised { fingerprint, why } => {
                (Asked::Failed(Failure::Unrecognised { why, fingerprint }), None)
            }
            ParseOutcome::Recognised { facts, recognition } => {
                (Asked::Recognised { recognition, by, validators }, Some(facts))
            }
        }
    }

    async fn fetch(
        &self,
        fetcher: &Fetcher,
        rules: &Rules,
        known: Option<&Validators>,
        now: Moment,
    ) -> Result<Answer, Failure> {
        let bounds = Bounds { within: REQUEST, most_bytes: self.pace.most_bytes as usize };
        if let Some(call) = &self.found.pages.tool {
            let asked = (call, self.id.subject.as_ref());
            let bytes = fetcher.tool(&self.address, rules, asked, bounds, now).await?;
            return Ok(Answer::Page { bytes, validators: Validators::default() });
        }
        fetcher.page(&self.address, rules, known, bounds, now).await
    }

    /// What the facts depend on beside the page. An operator who changes any of it wants to see what the page says by it, be it as it was.
    fn read_by(&self) -> Fingerprint {
        let Found { source, pages } = self.found;
        let version = pages.reader.version().to_string();
        let offering = self.offering();
        let of = [
            json!([pages.reader, version]),
            json!(self.address),
            json!(source.labels),
            json!(self.owner),
            json!(offering),
        ];
        Fingerprint::of(of.map(|part| part.to_string()))
    }

    /// The offering whose machine the page is about, as an operator says.
    fn offering(&self) -> Option<&OfferingOf> {
        self.found.source.offerings.get(self.id.subject.as_ref()?)
    }

    /// Notes what came of it: first the page with its facts, then the source as a whole.
    async fn note(
        &self,
        asked: Asked,
        gleaned: Option<Gleaned>,
        before: Stored<Page>,
        now: Moment,
    ) -> Result<Done, ScrapeError> {
        let is_unchanged = asked == Asked::Unchanged;
        let address = self.address.to_string();
        let after = |asked| before.value.after(asked, address.clone(), now, self.pace.refresh_seconds);
        let (mut page, becomes) = after(asked);
        let kept = match gleaned.filter(|_| becomes == page::Facts::Taken) {
            Some(gleaned) => self.keep(&gleaned, &address, now).await,
            None if is_unchanged => self.keep_as_before(now).await.map(|()| None),
            None => Ok(None),
        };
        let facts = kept.unwrap_or_else(|error| {
            tracing::error!(page = %self.id, %error, "what a page says can not be kept");
            // Were it left at that, the source would be asked for the same page again and again.
            page = after(Asked::Failed(Failure::NotKept)).0;
            None
        });
        match self.app.table.write_page(self.id, &page, before.version, facts.as_ref()).await {
            // Somebody had the turn after ours had ended, and has read the page.
            Err(TableError::Conflict) => return Ok(Done::Dropped(Why::NotDue)),
            outcome => outcome?,
        }
        change(self.app, &self.id.source, |state| state.after(self.id, &page, now)).await?;
        Ok(match page.failing {
            Some(failing) => {
                self.alarm(&failing.why, now);
                Done::Failed(failing.why)
            }
            None if is_unchanged => Done::Unchanged,
            None => Done::Read,
        })
    }

    /// Keeps what others reckon with, before the page is noted as read: all of it may be done twice. Gives what the page says as it stands,
    /// to be kept with it; what is too long for that has been kept for those who reckon with it.
    async fn keep(
        &self,
        gleaned: &Gleaned,
        address: &str,
        now: Moment,
    ) -> Result<Option<PageFacts>, ScrapeError> {
        let table = &self.app.table;
        if let Some(rates) = &gleaned.rates
            && table.write_rates(rates).await? == KeptRates::Before
        {
            tracing::info!(page = %self.id, day = %rates.day, "there are rates of that day for more currencies");
        }
        if let Some(Offers { source, offers, left_out }) = &gleaned.offers {
            table.write_price_list(source, now, offers, *left_out).await?;
        }
        if let Some(OfferingOf { provider_id, offering_id }) = self.offering() {
            table.write_published((provider_id, offering_id), self.id, &gleaned.seen, now).await?;
        }
        if let Facts::Hosters { hosters } = &gleaned.facts {
            names::propose(table, (&self.id.source, self.found.source), hosters, now).await?;
        }
        if let Some(provider) = &self.owner {
            let facts = serde_json::to_string(&gleaned.rated)?;
            let said = PageFacts { read_at: now, address: address.to_owned(), facts };
            table.write_rated(provider, self.id, &said).await?;
        }
        let facts = serde_json::to_string(&gleaned.facts)?;
        let is_kept = facts.len() <= MOST_KEPT;
        Ok(is_kept.then(|| PageFacts { read_at: now, address: address.to_owned(), facts }))
    }

    /// Notes that all of it still holds.
    async fn keep_as_before(&self, now: Moment) -> Result<(), ScrapeError> {
        let Some(provider) = &self.owner else { return Ok(()) };
        Ok(self.app.table.rated_as_before(provider, self.id, now).await?)
    }

    fn alarm(&self, why: &Failure, now: Moment) {
        tracing::warn!(page = %self.id, address = %self.address, %why, "a page was not read");
        if why.is_for_somebody_to_look_at() {
            self.app.metrics.count("SourceDrift", 1, now);
        }
    }
}

/// Changes what is known of a source, however many others do so at the same time.
async fn change(app: &App, source: &SourceName, to: impl Fn(&State) -> State) -> Result<(), TableError> {
    let mut tries = 0;
    loop {
        let Stored { value: before, version } = app.table.source_state(source).await?;
        let after = to(&before);
        match app.table.write_source_state(source, &after, version).await {
            Err(TableError::Conflict) if tries < TRIES => tries += 1,
            Ok(()) => {
                let began = after.breaker.until.filter(|_| after.breaker.until != before.breaker.until);
                if let Some(until) = began {
                    tracing::warn!(%source, %until, "the source is left alone");
                    app.metrics.count("SourcePaused", 1, until);
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}
