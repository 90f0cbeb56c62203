//! Measuring: a batch of checks of one URL, as fast as they go or spread over a time. `tests/load/probe-side-by-side` runs it beside other
//! programs; `docs/performance.md` has the figures.

#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

use std::{error::Error, num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::Parser;
use probe::{
    batch::{Bounds, Checked, Job, run},
    check::{Ask, Check, Expected, HttpCheck},
    guard::Guard,
    names::Names,
    outcome::Outcome,
    prober::Prober,
    tls::Roots,
};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;
use trust::time::Moment;

#[derive(Debug, Parser)]
struct Flags {
    /// What is checked, at a literal address of loopback.
    url: String,
    /// How many times.
    #[arg(long, default_value_t = 1000)]
    checks: u32,
    /// How many at once.
    #[arg(long, default_value = "64")]
    in_flight: NonZeroUsize,
    /// How long each may take, in milliseconds.
    #[arg(long, default_value_t = 10_000)]
    timeout: u64,
    /// Over how many seconds they are spread.
    #[arg(long, default_value_t = 0)]
    spread: u32,
    /// The authority that is trusted, in DER.
    #[arg(long)]
    root: Option<PathBuf>,
    /// Now, in Unix seconds: certificates must be valid then.
    #[arg(long)]
    now: i64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let flags = Flags::parse();
    let roots = match &flags.root {
        Some(file) => Roots::only([std::fs::read(file)?.into()])?,
        None => Roots::public(),
    };
    let prober = Prober::new(Guard::with_loopback_for_tests(), Names::asking(&[])?, roots)?;
    let now = Moment::from_unix(flags.now).ok_or("no time")?;
    let timeout = Duration::from_millis(flags.timeout);
    let spread = Duration::from_secs(flags.spread.into());
    let check = Check::Http(HttpCheck {
        url: flags.url,
        ask: Ask::Get { contains: None },
        expected: Expected::Success,
        within: None,
    });
    let begun = Instant::now();
    let jobs = (0..flags.checks).map(|number| Job {
        key: number,
        check: check.clone(),
        timeout,
        begin_at: begun + spread * number / flags.checks,
    });
    let bounds = Bounds {
        until: begun + spread + Duration::from_hours(1),
        in_flight: flags.in_flight,
        per_host: flags.in_flight,
    };
    let checked = run(&prober, jobs.collect(), bounds, || now).await;
    tell(&checked, begun.elapsed());
    Ok(())
}

/// The most memory that was ever in use, as Linux tells it.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}

fn tell(checked: &[Checked<u32>], took: Duration) {
    let attempts: usize = checked.iter().map(|one| one.attempts.len()).sum();
    let found = checked.iter().flat_map(|one| &one.attempts).map(|attempt| &attempt.found);
    let up = found.clone().filter(|found| matches!(found, Outcome::Up { .. })).count();
    println!(
        "{attempts} checks in {:.3} s, {up} up, {:.0}/s",
        took.as_secs_f64(),
        attempts as f64 / took.as_secs_f64()
    );
    if let Some(other) = found.clone().find(|found| !matches!(found, Outcome::Up { .. })) {
        println!("among the others: {other:?}");
    }
    let mut late: Vec<_> = checked.iter().map(|one| one.late).collect();
    late.sort_unstable();
    let at =
        |hundredths: usize| late.get((late.len().max(1) - 1) * hundredths / 100).copied().unwrap_or_default();
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    println!(
        "CPU {cpu:.3} s, {:.0} checks a CPU-second, peak memory {}",
        attempts as f64 / cpu,
        peak_memory().unwrap_or_default()
    );
    println!("late by {:?} (median), {:?} (p99), {:?} (most)", at(50), at(99), at(100));
}
