//! Many checks at once, under one end.
//!
//! The one rule that everything here follows from: by the end of its time a batch has an answer for every check, and a check
//! that hangs costs the others no more than the place it takes up. What was not begun by then has no attempts, and whoever
//! reads that knows nothing of the target.
//!
//! All checks of a batch are one future, on the thread that polls it: what waits for the network needs neither a thread nor a
//! task.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroUsize,
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};
use trust::{
    time::Moment,
    uptime::slot::{self, Controls},
};

use crate::{
    check::Check,
    guard::Host,
    outcome::{Certificate, Outcome},
    prober::{Limits, Prober},
};

/// One check of a batch.
#[derive(Debug, Clone)]
pub struct Job<K> {
    /// What it is known by.
    pub key: K,
    /// What is to be found out.
    pub check: Check,
    /// How long each attempt may take: whoever takes longer is down. A target that hangs takes this long twice.
    pub timeout: Duration,
    /// When it is to begin, and not before. Spread by the caller, or else all begin at once.
    pub begin_at: Instant,
}

/// What a batch may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// When it ends, whatever is still under way. A check that begins less than twice its timeout before may end unconfirmed.
    pub until: Instant,
    /// How many checks may be under way at once. Fewer let those wait that hang; more need more sockets and memory.
    pub in_flight: NonZeroUsize,
    /// How many of them may be of one host. Fewer let a host's own checks wait for each other; more look like an attack to it.
    pub per_host: NonZeroUsize,
}

/// What a check of a batch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked<K> {
    /// What it is known by.
    pub key: K,
    /// The attempts by their numbers, from [`slot::Attempt`] 0: none if its time never came, a second one where the first failed.
    pub attempts: Vec<Attempt>,
    /// The certificate that the last attempt to see one saw.
    pub certificate: Option<Certificate>,
    /// How long after its time it began, or would have begun.
    pub late: Duration,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub began_at: Moment,
    /// What it came to, in detail.
    pub found: Outcome,
}

impl Attempt {
    /// What it counts as, seen from a vantage that fared so with its control targets.
    pub fn outcome(&self, controls: Controls) -> slot::Outcome {
        slot::Outcome::from(&self.found).under(controls)
    }
}

/// Runs checks, each at its time, and each that fails once more at once. Ends when all are done, at the latest when its time
/// is over. The answers come in the order in which the checks ended.
///
/// `clock` says when an attempt began, and which certificates are valid then.
pub async fn run<K>(
    prober: &Prober,
    jobs: Vec<Job<K>>,
    bounds: Bounds,
    clock: impl Fn() -> Moment,
) -> Vec<Checked<K>> {
    let mut checked = Vec::with_capacity(jobs.len());
    let mut queue = Queue::of(prober, jobs, bounds.per_host);
    let mut running = FuturesUnordered::new();
    loop {
        let now = Instant::now();
        if now < bounds.until {
            queue.call_up(now);
            while running.len() < bounds.in_flight.get()
                && let Some(entry) = queue.next()
            {
                running.push(attend(prober, entry, bounds.until, &clock));
            }
        }
        let next = queue.next_call().map_or(bounds.until, |at| at.min(bounds.until));
        tokio::select! {
            biased;
            // Those under way end by themselves when the time is over.
            Some((done, host)) = running.next() => {
                checked.push(done);
                queue.leave(host);
            }
            () = sleep_until(next), if !queue.is_empty() && now < bounds.until => {}
            else => break,
        }
    }
    let end = Instant::now();
    checked.extend(queue.left().map(|job| Checked {
        late: end.saturating_duration_since(job.begin_at),
        key: job.key,
        attempts: Vec::new(),
        certificate: None,
    }));
    checked
}

/// Asks targets of several parties that are practically always up, at once, and says how we fared. What we could not ask
/// counts as failed too: it is us that is asked about.
pub async fn controls(
    prober: &Prober,
    targets: &[Check],
    limits: Limits,
    clock: impl Fn() -> Moment,
) -> Controls {
    let begin_at = Instant::now();
    let job = |check: &Check| Job { key: (), check: check.clone(), timeout: limits.timeout, begin_at };
    // More could not be counted, and a dozen says as much.
    let jobs: Vec<_> = targets.iter().take(usize::from(u16::MAX)).map(job).collect();
    let Some(all) = NonZeroUsize::new(jobs.len()) else { return Controls::default() };
    let bounds = Bounds { until: limits.until, in_flight: all, per_host: all };
    let checked = run(prober, jobs, bounds, clock).await;
    let is_up = |attempt: &Attempt| matches!(attempt.found, Outcome::Up { .. });
    let failed = checked.iter().filter(|target| !target.attempts.iter().any(is_up)).count();
    Controls { asked: checked.len() as u16, failed: failed as u16 }
}

/// One check, and again if it fails.
async fn attend<K>(
    prober: &Prober,
    Entry { job, host }: Entry<K>,
    until: Instant,
    clock: impl Fn() -> Moment,
) -> (Checked<K>, Option<HostId>) {
    let Job { key, check, timeout, begin_at } = job;
    let late = Instant::now().saturating_duration_since(begin_at);
    let (mut attempts, mut certificate) = (Vec::with_capacity(1), None);
    for _ in 0..ATTEMPTS {
        let began_at = clock();
        let report = prober.run(&check, Limits { timeout, until }, began_at).await;
        certificate = report.certificate.or(certificate);
        let failed = matches!(report.outcome, Outcome::Down(_));
        attempts.push(Attempt { began_at, found: report.outcome });
        if !failed || Instant::now() >= until {
            break;
        }
    }
    (Checked { key, attempts, certificate, late }, host)
}

/// How often a failing target is asked. One failure alone is a lost packet as often as not; a third attempt would only tell
/// the same a second time.
const ATTEMPTS: usize = 2;

/// A host by its number in the [`Queue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HostId(usize);

struct Entry<K> {
    job: Job<K>,
    /// Nobody's, where the guard does not admit it: nobody will be asked.
    host: Option<HostId>,
}

/// Those whose turn has not come, each in exactly one of three lines.
struct Queue<K> {
    /// By their time, which is still to come.
    early: VecDeque<Entry<K>>,
    /// Their host is busy.
    hosts: Vec<Line<K>>,
    /// They may begin as soon as there is a place.
    ready: VecDeque<Entry<K>>,
    per_host: usize,
    waiting: usize,
}

struct Line<K> {
    /// Ready or under way.
    busy: usize,
    waiting: VecDeque<Entry<K>>,
}

impl<K> Queue<K> {
    fn of(prober: &Prober, mut jobs: Vec<Job<K>>, per_host: NonZeroUsize) -> Self {
        jobs.sort_by_key(|job| job.begin_at);
        let waiting = jobs.len();
        let mut numbers: HashMap<Host, usize> = HashMap::new();
        let early = jobs
            .into_iter()
            .map(|job| {
                let host = prober.guard.host_of(&job.check).ok().map(|host| {
                    let next = numbers.len();
                    HostId(*numbers.entry(host).or_insert(next))
                });
                Entry { job, host }
            })
            .collect();
        let hosts = numbers.iter().map(|_| Line { busy: 0, waiting: VecDeque::new() }).collect();
        Self { early, hosts, ready: VecDeque::new(), per_host: per_host.get(), waiting }
    }

    /// Lets in those whose time has come.
    fn call_up(&mut self, now: Instant) {
        while let Some(entry) = self.early.pop_front_if(|entry| entry.job.begin_at <= now) {
            match entry.host.map(|HostId(host)| &mut self.hosts[host]) {
                Some(line) if line.busy == self.per_host => line.waiting.push_back(entry),
                Some(line) => {
                    line.busy += 1;
                    self.ready.push_back(entry);
                }
                None => self.ready.push_back(entry),
            }
        }
    }

    /// The next one to begin.
    fn next(&mut self) -> Option<Entry<K>> {
        let entry = self.ready.pop_front()?;
        self.waiting -= 1;
        Some(entry)
    }

    /// One of this host is done: the next one in its line takes its place.
    fn leave(&mut self, host: Option<HostId>) {
        let Some(HostId(host)) = host else { return };
        let line = &mut self.hosts[host];
        match line.waiting.pop_front() {
            Some(entry) => self.ready.push_back(entry),
            None => line.busy -= 1,
        }
    }

    /// When somebody's time comes next.
    fn next_call(&self) -> Option<Instant> {
        self.early.front().map(|entry| entry.job.begin_at)
    }

    fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    fn left(self) -> impl Iterator<Item = Job<K>> {
        let lines = self.hosts.into_iter().flat_map(|line| line.waiting);
        self.ready.into_iter().chain(lines).chain(self.early).map(|entry| entry.job)
    }
}
