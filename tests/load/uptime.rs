//! What watching costs: sealing many days in time and memory, and a probe in capacity units.

use std::{collections::BTreeMap, time::Instant};

use anyhow::Context;
use end_to_end::{
    samples,
    services::{BusHealth, Services},
};
use lambda::Environment;
use table::{Consumed, Freshness, Seen, Segment, Table};
use transparency::{
    checkpoint::{Candidate, Published},
    key::SecretKey,
    leaf::Leaf,
    tile::Tile,
    tree,
};
use trust::{
    time::{Day, Moment},
    uptime::{
        check::Check,
        configuration::Salt,
        day::Plan,
        facts::{RentedBy, Watch},
        names::{MonitorId, Vantage},
        outage::{Ended, Service},
        record::{DayRecord, Link},
        schedule::{Grid, Interval, Schedule},
        shard::ShardId,
        slot::{Attempt, Outcome, Panel, Reason, Sightings},
        span::Span,
    },
};

/// Leaves that are appended at once, as the function does.
const ROUND: usize = 1000;

fn panel(vantages: u16) -> anyhow::Result<Panel> {
    let names = (0..vantages).map(|number| format!("vantage-{number}").parse());
    Ok(Panel::new(names.collect::<Result<_, _>>()?)?)
}

fn day() -> anyhow::Result<Day> {
    Ok(Day::parse("2028-02-28")?)
}

/// In which slot the outage of the first monitor begins: half past noon.
const FIRST_OUTAGE: u16 = 750;

/// How many slots an outage lasts.
const OUTAGE: u16 = 10;

/// What is seen in a slot: mostly up, with an outage that begins at another time for each monitor.
fn outcomes(monitor: usize, slot: u16) -> Vec<Outcome> {
    let begins = ((monitor * 37 + usize::from(FIRST_OUTAGE)) % 1400) as u16;
    if (begins..begins + OUTAGE).contains(&slot) {
        vec![Outcome::Down(Reason::Timeout), Outcome::Down(Reason::Refused)]
    } else {
        vec![Outcome::Up { latency_ms: 20 + (monitor as u32 * 7 + u32::from(slot)) % 90 }]
    }
}

/// Settles, records, appends and signs so many days, on one thread, with the tiles in memory.
pub(crate) fn seal(days: usize, vantages: u16) -> anyhow::Result<()> {
    let (panel, day) = (panel(vantages)?, day()?);
    let key = SecretKey::from_seed("log.example/uptime".parse()?, &[7; 32])?;
    let mut published = Candidate::of_empty_log(key.public().origin().clone()).sign(&key, &[])?;
    let mut tiles: BTreeMap<Tile, Vec<u8>> = BTreeMap::new();
    let (mut waiting, mut bytes) = (Vec::with_capacity(ROUND), 0);
    let (mut settling, mut appending) = (0.0, 0.0);
    for monitor in 0..days {
        let begun = Instant::now();
        let record = record(monitor, day, &panel)?;
        bytes += record.len();
        waiting.push(Leaf::from_bytes(record.into_bytes())?);
        settling += begun.elapsed().as_secs_f64();
        if waiting.len() == ROUND || monitor + 1 == days {
            let begun = Instant::now();
            published = append(&mut tiles, &published, &waiting, &key)?;
            waiting.clear();
            appending += begun.elapsed().as_secs_f64();
        }
    }
    let head = published.head();
    println!("{} days of {vantages} vantages, {} bytes each", head.size, bytes / days.max(1));
    println!("settled and recorded in {settling:.1} s, appended and signed in {appending:.1} s");
    println!("peak memory {} MB", peak_memory()? / 1024);
    Ok(())
}

fn record(monitor: usize, day: Day, panel: &Panel) -> anyhow::Result<String> {
    let id: MonitorId = format!("{monitor:032x}").parse()?;
    let schedule = Schedule {
        grid: Grid::of(&id, Interval::SHORTEST),
        running: [Span::since(Moment::EPOCH)].into_iter().collect(),
    };
    let mut sightings = Sightings::default();
    for vantage in panel.vantages() {
        let seen = schedule.expected(day).flat_map(|slot| {
            (0..)
                .map(Attempt)
                .zip(outcomes(monitor, slot.0))
                .map(move |(attempt, outcome)| (slot, attempt, outcome))
        });
        sightings.keep(vantage, seen);
    }
    let plan = Plan { schedule, panel: panel.clone(), maintenance: [].into_iter().collect() };
    let settled = plan.settle(day, &sightings, day.next().next().start());
    Ok(DayRecord::new(id, 1, Link::First, settled)?.encode())
}

fn append(
    tiles: &mut BTreeMap<Tile, Vec<u8>>,
    published: &Published,
    leaves: &[Leaf],
    key: &SecretKey,
) -> anyhow::Result<Published> {
    let appended = tree::append(tiles, published.head(), leaves)?;
    tiles.extend(appended.tiles);
    let proof = tree::prove_extension(tiles, published.head(), appended.head)?;
    Ok(Candidate::after(published, appended.head, &proof)?.sign(key, &[])?)
}

/// The most memory this process has had, in KiB.
fn peak_memory() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default())
}

/// Capacity units of one shard's day: so many monitors, asked every minute from one place, after so many days that are sealed.
pub(crate) async fn watching(monitors: usize, sealed: u16) -> anyhow::Result<()> {
    let services = Services::start(samples::secrets(), BusHealth::Up).await?;
    let environment = Environment::from_pairs(services.environment("uptime-seal")?);
    let app = uptime_seal::App::start(&environment).await?;
    let table = services.table()?;
    let day = day()?;
    let first = day.minus(sealed);
    let shard = fill(&table, monitors, first).await?;
    seal_earlier(&app, &table, shard, monitors, first, day).await?;
    let asked = table.asked_in(shard).await?;
    let mut spent = Spent { table: &table, before: table.consumed() };

    drop(table.asked_in(shard).await?);
    let reading = spent.next();
    let vantage: Vantage = "home".parse()?;
    let segment = |minute: i64| Segment {
        minute: day.start().plus(minute * 60),
        vantage: vantage.clone(),
        seen: Seen {
            outcomes: (0..asked.len())
                .map(|number| (number as u32, outcomes(number, minute as u16)))
                .collect(),
            expiring: BTreeMap::new(),
        },
    };
    table.write_segment(shard, &segment(0), "run").await?;
    let writing = spent.next();
    let mut seen = 1;
    let mut see_until = async |minute: i64| -> anyhow::Result<()> {
        for minute in seen..minute {
            table.write_segment(shard, &segment(minute), "run").await?;
        }
        seen = minute;
        Ok(())
    };
    // Each step with what was seen by then. The first settling notes of each monitor what it is, which later ones do not.
    let minute = |minute: i64| day.start().plus(minute * 60);
    see_until(660).await?;
    uptime_seal::settle(&app, shard, &[], minute(660)).await?;
    see_until(720).await?;
    let settling = Step::of(&app, Box::pin(uptime_seal::settle(&app, shard, &[], minute(720)))).await?;
    let service = asked.iter().find(|asked| asked.number == 0).map(|asked| &asked.service);
    let service = service.context("no first monitor")?;
    let first = std::slice::from_ref(&service.monitor);
    let (begins, ends) = (i64::from(FIRST_OUTAGE), i64::from(FIRST_OUTAGE + OUTAGE));
    // As soon as its slot is over, which begins within the first ten seconds of the minute.
    see_until(begins + 1).await?;
    let opening = Box::pin(uptime_seal::settle(&app, shard, first, minute(begins + 1).plus(12)));
    let opening = Step::of(&app, opening).await?;
    see_until(ends + 1).await?;
    let closing = Box::pin(uptime_seal::settle(&app, shard, first, minute(ends + 1).plus(12)));
    let closing = Step::of(&app, closing).await?;
    let known = table.facts_of(&service.provider).await?;
    let known = known.iter().find(|facts| facts.watch.service == *service);
    let found =
        known.and_then(|facts| facts.outages().next_back()).map(|outage| (outage.slots, outage.ended));
    let expected = Some((u32::from(OUTAGE), Some(Ended::Recovered)));
    anyhow::ensure!(found == expected, "the looks have found another outage than there was: {found:?}");
    see_until(1440).await?;
    spent.next();
    drop(table.segments(shard, day, Freshness::Recent, drop).await?);
    let day_of_segments = spent.next();
    let after = day.next().start();
    let sealing = Step::of(&app, Box::pin(uptime_seal::seal(&app, shard, after.plus(7300)))).await?;
    let appending = Step::of(&app, Box::pin(uptime_seal::append(&app, after.plus(7400)))).await?;

    println!("{} monitors in {shard}, after {sealed} sealed days", asked.len());
    print("a worker's reading of its shard", reading);
    print("a worker's segment", writing);
    print("reading a day of segments", day_of_segments);
    settling.print("settling at noon");
    opening.print("a look as an outage begins, 32 minutes later");
    closing.print("a look as it ends");
    sealing.print("sealing the day");
    appending.print("appending it");
    let day = 1440.0 * (usd(reading) + usd(writing))
        + 24.0 * usd(settling.consumed)
        + usd(sealing.consumed)
        + usd(appending.consumed);
    let looks = usd(opening.consumed) + usd(closing.consumed);
    let million = |day: f64| day / (asked.len() as f64 * 1440.0) * 1_000_000.0;
    println!("DynamoDB: {:.4} USD a million probes", million(day));
    println!("and {:.4} with an outage of each monitor a day", million(day + asked.len() as f64 * looks));
    Ok(())
}

/// What something of the function has cost.
struct Step {
    consumed: Consumed,
    seconds: f64,
}

impl Step {
    async fn of<T, E>(
        app: &uptime_seal::App,
        work: impl Future<Output = Result<T, E>>,
    ) -> anyhow::Result<Self>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let (before, begun) = (app.table().consumed(), Instant::now());
        work.await?;
        Ok(Self {
            consumed: difference(app.table().consumed(), before),
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    fn print(&self, what: &str) {
        print(&format!("{what} ({:.2} s)", self.seconds), self.consumed);
    }
}

/// DynamoDB's list prices of us-east-1 on demand: 0.125 USD a million read units, 0.625 a million write units. The rest is in
/// `docs/cost.md`.
fn usd(Consumed { read, written }: Consumed) -> f64 {
    (read as f64 * 0.125 + written as f64 * 0.625) / 1000.0 / 1_000_000.0
}

/// Seals and appends the days from one to before another. Of each a hundred minutes are seen, an outage among them: so much that
/// records and latencies are as large as of a day that is seen throughout.
async fn seal_earlier(
    app: &uptime_seal::App,
    table: &Table,
    shard: ShardId,
    monitors: usize,
    first: Day,
    until: Day,
) -> anyhow::Result<()> {
    let mut day = first;
    while day < until {
        for minute in 0..100_u16 {
            let seen = |number: usize| {
                let begins = (number * 37 % 80) as u16;
                let up = vec![Outcome::Up { latency_ms: 20 + (number as u32 * 7 + u32::from(minute)) % 90 }];
                let down = vec![Outcome::Down(Reason::Timeout), Outcome::Down(Reason::Refused)];
                (number as u32, if (begins..begins + 10).contains(&minute) { down } else { up })
            };
            let segment = Segment {
                minute: day.start().plus(i64::from(minute) * 60),
                vantage: "home".parse()?,
                seen: Seen { outcomes: (0..monitors).map(seen).collect(), expiring: BTreeMap::new() },
            };
            table.write_segment(shard, &segment, "run").await?;
        }
        uptime_seal::seal(app, shard, day.next().start().plus(7300)).await?;
        uptime_seal::append(app, day.next().start().plus(7400)).await?;
        day = day.next();
    }
    Ok(())
}

fn difference(after: Consumed, before: Consumed) -> Consumed {
    Consumed { read: after.read - before.read, written: after.written - before.written }
}

/// What was spent since it was asked last.
struct Spent<'a> {
    table: &'a Table,
    before: Consumed,
}

impl Spent<'_> {
    fn next(&mut self) -> Consumed {
        let after = self.table.consumed();
        let spent = difference(after, self.before);
        self.before = after;
        spent
    }
}

fn print(what: &str, Consumed { read, written }: Consumed) {
    println!("{what}: {:.1} read, {:.1} write units", read as f64 / 1000.0, written as f64 / 1000.0);
}

/// Puts monitors into one shard: those whose phase is of its stretch.
async fn fill(table: &Table, monitors: usize, day: Day) -> anyhow::Result<ShardId> {
    let wanted: ShardId = "0-000000".parse()?;
    let check = Check::Http {
        url: "https://service.example.com/".to_owned(),
        method: trust::uptime::check::Method::Get,
        status: None,
        contains: None,
        within_ms: None,
    };
    let mut added = 0;
    for number in 0.. {
        if added == monitors {
            break;
        }
        let monitor: MonitorId = format!("{number:032x}").parse()?;
        let grid = Grid::of(&monitor, Interval::SHORTEST);
        if ShardId::first_for(grid) != wanted {
            continue;
        }
        let service = Service {
            provider: format!("provider-{}", number % 40).parse()?,
            contract: Some(format!("contract-{number}").parse()?),
            monitor,
        };
        let running = [Span::since(day.start())].into_iter().collect();
        let watch = Watch {
            service,
            name: "web".parse()?,
            kind: check.kind(),
            schedule: Schedule { grid, running },
            windows: Vec::new(),
            ended: None,
            lapses: None,
            sla: None,
            rented_by: RentedBy::Another,
        };
        table.add_monitor(watch, &[(day.start(), check.clone())], &panel(1)?, || Salt([7; 16])).await?;
        added += 1;
    }
    Ok(wanted)
}
