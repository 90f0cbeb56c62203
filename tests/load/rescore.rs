//! The `rescore` command over many providers with half a year of signals each: time, memory, capacity units; and the CPU time of one
//! summary, alone, with the table, and in the function.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, anyhow, ensure};
use dynoxide::{Database, ImportOptions, types::Item};
use end_to_end::function::Function;
use lambda::{Clients, Environment, clock};
use local_stack::{TEMPLATE, database, template};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use table::Table;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};
use trust::{
    id::ProviderId,
    marketplace::{Happened, Profile},
    past::recent_since,
    policy::Policy,
    provider::Provider,
    summary::summarise,
    time::{Day, Moment},
};

use crate::percentile;

/// Providers that differ. All others are copies of them.
const KINDS: u64 = 16;

/// Copies that are written at once.
const AT_ONCE: u64 = 200;

/// Days of signals.
const DAYS: u16 = 180;

/// Another policy, as a file: no horizon is longer.
const POLICY: &str = "trust-score/load";

/// How a provider's days stand in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Those of before are folded, as they are from the day's first summary on.
    Today,
    /// None is, as before it: all days are read.
    Not,
}

/// What to measure.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) binaries: PathBuf,
    pub(crate) providers: u64,
    pub(crate) per_second: u32,
    pub(crate) folded: Folded,
}

pub(crate) async fn measure(load: &Load) -> anyhow::Result<()> {
    let world = World::start().await?;
    let kinds = world.kinds().await?;
    one(&world, &kinds).await?;
    let begun = Instant::now();
    let items = world.fill(&kinds, load)?;
    println!(
        "{} providers, {items} items, written in {:.0} s",
        load.providers,
        begun.elapsed().as_secs_f64()
    );
    if load.folded == Folded::Today {
        function(&world, &load.binaries).await?;
    }
    let policy = world.policy()?;
    for command in ["compute", "compare", "drop"] {
        let mut arguments = vec![command.to_owned(), "--policy".to_owned(), policy.clone()];
        if command != "compare" {
            arguments.extend(["--per-second".to_owned(), load.per_second.to_string()]);
        }
        let ran = run(&load.binaries, &world.environment, &arguments).await?;
        let (seconds, each) = (ran.seconds, ran.cpu_nanoseconds / load.providers.max(1) / 1000);
        let (peak, said) = (ran.peak_kib / 1024, ran.said.join("; "));
        println!("{command}: {seconds:.1} s, peak {peak} MB, CPU {each} us a provider; {said}");
    }
    Ok(())
}

/// The template's table in a file of its own.
struct World {
    directory: TempDir,
    database: Database,
    name: String,
    table: Table,
    environment: BTreeMap<String, String>,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let wiring = template::read(TEMPLATE, &template_parameters())?;
        let name = wiring.tables.first().context("the template has no table")?.name.clone();
        let database = database::open(Some(&directory.path().join("table.sqlite")), &wiring.tables)?;
        let endpoint = database::serve(database.clone())?;
        let settings = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &endpoint),
            ("TABLE_NAME", &name),
            ("SCORE_POLICY", &Policy::current().version),
        ];
        let environment: BTreeMap<String, String> =
            settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let clients = Clients::new(&Environment::from_pairs(environment.clone()))?;
        let table = Table::new(clients.dynamodb(), &name);
        table.warm().await;
        Ok(Self { directory, database, name, table, environment })
    }

    /// Writes the providers that differ, with a summary of today.
    async fn kinds(&self) -> anyhow::Result<Vec<ProviderId>> {
        let now = clock::now();
        let mut kinds = Vec::new();
        for kind in 0..KINDS {
            let provider: ProviderId = kind_id(kind).parse()?;
            let mut known = Provider::default();
            let profile: Profile = serde_json::from_value(
                json!({ "provider_id": provider, "name": format!("Provider {provider}") }),
            )?;
            known.join(now.day().minus(DAYS).start(), &Happened::ProviderRegistered(profile));
            self.table.write_provider(&provider, &known, 0).await?;
            let items = signals(kind, now).into_iter().map(|item| Ok(serde_json::from_value(item)?));
            let items = items.collect::<anyhow::Result<Vec<Item>>>()?;
            self.import(items)?;
            let nothing = score::Changed::default();
            score::summarise_now(&self.table, Policy::current(), &provider, &nothing, now).await?;
            kinds.push(provider);
        }
        Ok(kinds)
    }

    /// Copies them until there are so many, and says how many items that took.
    fn fill(&self, kinds: &[ProviderId], load: &Load) -> anyhow::Result<usize> {
        let kept = |item: &Value| {
            let key = item["sk"]["S"].as_str().unwrap_or_default();
            let recent = format!("signal#{}", recent_since(clock::now().day()));
            match load.folded {
                Folded::Today => !key.starts_with("signal#") || key >= recent.as_str(),
                Folded::Not => key != "past",
            }
        };
        let mut kinds_items = Vec::new();
        for kind in kinds {
            let items = self.items(kind)?.into_iter().filter(kept);
            kinds_items.push(items.map(|item| item.to_string()).collect::<Vec<String>>());
        }
        let (mut count, mut number) = (0, KINDS);
        while number < load.providers {
            let some = number..(number + AT_ONCE).min(load.providers);
            let mut batch = Vec::new();
            for copy in some.clone() {
                let (from, to) = (kind_id(copy % KINDS), format!("provider-{copy:07}"));
                for item in &kinds_items[(copy % KINDS) as usize] {
                    batch.push(serde_json::from_str(&item.replace(&from, &to))?);
                }
            }
            count += batch.len();
            self.import(batch)?;
            number = some.end;
        }
        Ok(count)
    }

    fn items(&self, provider: &ProviderId) -> anyhow::Result<Vec<Value>> {
        let request = json!({
            "TableName": self.name, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": format!("provider#{provider}") } },
        });
        let answer =
            self.database.query(serde_json::from_value(request)?).map_err(|error| anyhow!("{error:?}"))?;
        let items = answer.items.unwrap_or_default();
        items.iter().map(|item| Ok(serde_json::to_value(item)?)).collect()
    }

    fn import(&self, items: Vec<Item>) -> anyhow::Result<()> {
        let imported = self.database.import_items(&self.name, items, ImportOptions::default());
        imported.map(drop).map_err(|error| anyhow!("{error:?}"))
    }

    /// The other policy's file, as the command takes it.
    fn policy(&self) -> anyhow::Result<String> {
        let mut policy = serde_json::to_value(Policy::current())?;
        policy["version"] = json!(POLICY);
        for (family, weight) in [("uptime", 150), ("contracts", 300)] {
            policy["families"][family]["weight"] = json!(weight);
        }
        let file = self.directory.path().join("policy.json");
        std::fs::write(&file, policy.to_string())?;
        Ok(format!("@{}", file.display()))
    }
}

fn template_parameters() -> BTreeMap<String, String> {
    BTreeMap::from([(template::ADDRESS.to_owned(), "http://127.0.0.1:9".to_owned())])
}

fn kind_id(kind: u64) -> String {
    format!("kind-{:02}", kind % KINDS)
}

/// Half a year of a provider, as the table has it; what it does not know as a signal it refuses to read. Busier ones have more messages
/// and contracts a day.
fn signals(kind: u64, now: Moment) -> Vec<Value> {
    let pk = json!({ "S": format!("provider#{}", kind_id(kind)) });
    let counted = |day: Day, rest: &str, counters: &[(&str, u64)]| {
        let mut item = json!({ "pk": pk, "sk": { "S": format!("signal#{day}#{rest}") } });
        for (name, count) in counters {
            item[name] = json!({ "N": count.to_string() });
        }
        item
    };
    let today = now.day();
    let mut items =
        vec![json!({ "pk": pk, "sk": { "S": "renters" }, "s1": { "N": "30" }, "s3": { "N": "6" } })];
    for ago in 0..DAYS {
        let (day, turn) = (today.minus(ago), u64::from(ago) + kind);
        if ago > 0 {
            let down = if turn.is_multiple_of(23) { "c20d120" } else { "c20d0" };
            items.push(counted(day, "u", &[("c20d0", 1 + kind % 3), (down, 1)]));
        }
        // Minutes to hours: from the 4th doubling of what a chunk holds on.
        for message in 0..=(kind % 4) {
            let chunk = 4 + (turn + message) % 5;
            let rank = if message == 0 { 'f' } else { 'l' };
            let late = if turn.is_multiple_of(11) { "b" } else { "k" };
            items.push(counted(day, &format!("ra{rank}{chunk:02}"), &[(&format!("{late}{}", turn % 64), 1)]));
        }
        if turn.is_multiple_of(4 - kind % 3) {
            let outcome = if turn.is_multiple_of(13) { "provider-early" } else { "completed" };
            items.push(counted(day, "c", &[(outcome, 1), ("active", 1)]));
            items.push(counted(day, "cd05", &[(&format!("d{}", turn % 64), 1)]));
        }
        if ago % 7 == 3 {
            items.push(counted(
                day,
                "f",
                &[("matched-yes-counted", 2), ("again-yes-counted", 1), ("again-no-counted", 1)],
            ));
        }
    }
    if kind.is_multiple_of(3) {
        let opened = now.plus(-7200);
        items.push(json!({
            "pk": pk, "sk": { "S": format!("waiting#a#{:012}#1#7", opened.unix()) },
            "scope": { "S": "contract" }, "opened_at": { "S": opened }, "rank": { "S": "first" }, "promise": { "N": "14400" },
            "conversation": { "M": { "account": { "N": "1" }, "number": { "N": "7" } } },
        }));
    }
    items
}

/// One summary: its formulas alone, and with what it reads and writes.
async fn one(world: &World, kinds: &[ProviderId]) -> anyhow::Result<()> {
    let (policy, now) = (Policy::current(), clock::now());
    let mut alone = Vec::new();
    for kind in kinds {
        let signals = world.table.signals(kind, recent_since(now.day())).await?.signals;
        ensure!(signals.past.is_some(), "{kind} has no past of today");
        for _ in 0..50 {
            let before = cpu();
            std::hint::black_box(summarise(policy, kind, std::hint::black_box(&signals), now));
            alone.push((cpu() - before) as u64);
        }
    }
    alone.sort_unstable();
    println!(
        "a summary's formulas: CPU median {} us, p99 {} us",
        percentile(&alone, 50) / 1000,
        percentile(&alone, 99) / 1000
    );
    let before = world.table.consumed();
    let nothing = score::Changed::default();
    for kind in kinds {
        score::summarise_now(&world.table, policy, kind, &nothing, now).await?;
    }
    let (after, count) = (world.table.consumed(), kinds.len() as f64 * 1000.0);
    println!(
        "a summary: {:.1} read, {:.1} write units",
        (after.read - before.read) as f64 / count,
        (after.written - before.written) as f64 / count
    );
    Ok(())
}

/// This thread's CPU time, in nanoseconds.
fn cpu() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The function's binary, with batches of the stream of a hundred providers each.
async fn function(world: &World, binaries: &Path) -> anyhow::Result<()> {
    let mut function = Function::start_at(&binaries.join("score"), "score", &world.environment).await?;
    let batch = |number: u64| {
        let records = (0..100).map(|index| {
            let copy = KINDS + number * 100 + index;
            let keys =
                json!({ "pk": { "S": format!("provider#provider-{copy:07}") }, "sk": { "S": "renters" } });
            json!({ "dynamodb": { "Keys": keys, "SequenceNumber": index.to_string() } })
        });
        json!({ "Records": records.collect::<Vec<Value>>() })
    };
    let (mut spent, mut batches) = (0, 0);
    for number in 0..11 {
        let before = function.cpu_nanoseconds().context("no CPU time on this system")?;
        let answer = function.invoke(&batch(number)).await.map_err(|error| anyhow!("{error:?}"))?;
        ensure!(answer["batchItemFailures"] == json!([]), "{answer}");
        // The first one warms up.
        if number > 0 {
            spent += function.cpu_nanoseconds().context("no CPU time")? - before;
            batches += 1;
        }
    }
    println!(
        "a summary in the function, reads and writes included: CPU {} us",
        spent / (batches * 100) / 1000
    );
    Ok(())
}

/// What a run of the command took.
struct Ran {
    seconds: f64,
    peak_kib: u64,
    cpu_nanoseconds: u64,
    /// Its last lines.
    said: Vec<String>,
}

async fn run(
    binaries: &Path,
    environment: &BTreeMap<String, String>,
    arguments: &[String],
) -> anyhow::Result<Ran> {
    let binary = binaries.join("rescore");
    let begun = Instant::now();
    let mut process = Command::new(&binary)
        .env_clear()
        .envs(environment)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))?;
    let error = process.stderr.take().context("no standard error")?;
    let reading = tokio::spawn(async move {
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut tokio::io::BufReader::new(error), &mut text)
            .await
            .map(|_| text)
    });
    let (mut peak_kib, mut cpu_nanoseconds) = (0, 0);
    let status = loop {
        if let Some(status) = process.try_wait()? {
            break status;
        }
        // A process tells only while it runs.
        peak_kib = peak_memory_kib(&process).unwrap_or(peak_kib);
        cpu_nanoseconds = used_nanoseconds(&process).unwrap_or(cpu_nanoseconds);
        sleep(Duration::from_millis(20)).await;
    };
    let seconds = begun.elapsed().as_secs_f64();
    let text = reading.await??;
    ensure!(status.success(), "{status}: {text}");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let said = lines[lines.len().saturating_sub(2)..].to_vec();
    Ok(Ran { seconds, peak_kib, cpu_nanoseconds, said })
}

fn peak_memory_kib(process: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()?)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn used_nanoseconds(process: &Child) -> Option<u64> {
    let statistics = std::fs::read_to_string(format!("/proc/{}/schedstat", process.id()?)).ok()?;
    statistics.split_whitespace().next()?.parse().ok()
}
