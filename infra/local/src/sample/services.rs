//! The sample's two services, for probes to ask: one that is always there, one that fails about a fifth of the time.
//!
//! They listen on loopback. The port of each is kept in the data directory, so that what was said of it holds after a restart.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Context;
use axum::{Router, http::StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use trust::time::Moment;

use crate::queues::Queues;

/// The flaky service is well and fails in turns, each turn this long, in seconds.
const TURN: i64 = 12 * 60;

/// How long every other turn answers that it is unavailable, at its end.
const UNAVAILABLE: i64 = 2 * 60;

/// How long the turns between them hang, at their end.
const HANGING: i64 = 3 * 60;

/// How long a request hangs: longer than any check waits.
const HANG: Duration = Duration::from_mins(1);

/// How often the sample's services are to be asked, in seconds.
const INTERVAL: u32 = 60;

/// A kind of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Always well.
    Steady,
    /// Fails in stretches of two to three minutes, by the clock.
    Flaky,
}

/// How a service fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It answers 200.
    Well,
    /// It answers 503.
    Unavailable,
    /// It does not answer.
    Hanging,
}

impl Kind {
    /// How a service of this kind fares at this time.
    pub fn condition(self, now: Moment) -> Condition {
        let (turn, second) = (now.unix().div_euclid(TURN), now.unix().rem_euclid(TURN));
        match (self, turn.rem_euclid(2)) {
            (Self::Flaky, 0) if second >= TURN - UNAVAILABLE => Condition::Unavailable,
            (Self::Flaky, 1) if second >= TURN - HANGING => Condition::Hanging,
            _ => Condition::Well,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Flaky => "flaky",
        }
    }
}

/// A service that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    address: SocketAddr,
}

impl Service {
    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// What the marketplace says of it when a contract is provisioned: its one endpoint, asked every minute.
    pub fn endpoints(&self) -> Value {
        json!([{
            "name": "web", "check": { "kind": "http", "url": self.url() }, "interval_seconds": INTERVAL,
        }])
    }
}

/// Both services. They stop when dropped.
#[derive(Debug)]
pub struct Services {
    /// The one that is always well.
    pub steady: Service,
    /// The one that fails now and then.
    pub flaky: Service,
    tasks: JoinSet<()>,
}

impl Services {
    /// Starts both, by this clock. The ports are kept beside these queues.
    pub async fn start<Clock>(queues: &Queues, clock: Clock) -> anyhow::Result<Self>
    where
        Clock: Fn() -> Moment + Clone + Send + Sync + 'static,
    {
        let mut tasks = JoinSet::new();
        let steady = serve(&mut tasks, Kind::Steady, queues, clock.clone()).await?;
        let flaky = serve(&mut tasks, Kind::Flaky, queues, clock).await?;
        Ok(Self { steady, flaky, tasks })
    }

    /// Stops both, and waits until they have.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn serve<Clock>(
    tasks: &mut JoinSet<()>,
    kind: Kind,
    queues: &Queues,
    clock: Clock,
) -> anyhow::Result<Service>
where
    Clock: Fn() -> Moment + Clone + Send + Sync + 'static,
{
    let listener = listen(kind, queues).await?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(move || answer(kind.condition(clock())));
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, service = kind.name(), "a sample service has ended");
        }
    });
    Ok(Service { address })
}

/// Listens on the port of an earlier start if it is free, and on any other if it is not.
async fn listen(kind: Kind, queues: &Queues) -> anyhow::Result<TcpListener> {
    let mark = format!("sample-service:{}", kind.name());
    let kept = queues.mark(&mark).await?.and_then(|port| port.parse::<u16>().ok());
    if let Some(port) = kept {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => {
                tracing::warn!(%error, port, service = kind.name(), "a sample service has moved: its old port is taken");
            }
        }
    }
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listening for a sample service")?;
    if kept.is_none() {
        queues.set_mark(&mark, &listener.local_addr()?.port().to_string()).await?;
    }
    Ok(listener)
}

async fn answer(condition: Condition) -> (StatusCode, &'static str) {
    match condition {
        Condition::Well => (StatusCode::OK, "well\n"),
        Condition::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable\n"),
        Condition::Hanging => {
            tokio::time::sleep(HANG).await;
            (StatusCode::SERVICE_UNAVAILABLE, "it took too long\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    fn at(second: i64) -> Moment {
        Moment::from_unix(1_795_564_800 + second).unwrap()
    }

    fn first(condition: Condition) -> Moment {
        (0..DAY).map(at).find(|now| Kind::Flaky.condition(*now) == condition).unwrap()
    }

    #[test]
    fn the_steady_service_is_always_well() {
        assert!((0..DAY).all(|second| Kind::Steady.condition(at(second)) == Condition::Well));
    }

    #[test]
    fn the_flaky_service_fails_a_fifth_of_the_day_in_stretches_of_two_to_three_minutes() {
        let day: Vec<Condition> = (0..DAY).map(|second| Kind::Flaky.condition(at(second))).collect();
        let stretches: Vec<(Condition, usize)> =
            day.chunk_by(|a, b| a == b).map(|stretch| (stretch[0], stretch.len())).collect();
        let failing: Vec<_> =
            stretches.iter().filter(|(condition, _)| *condition != Condition::Well).collect();
        assert!(failing.iter().all(|(_, seconds)| (120..=180).contains(seconds)), "{failing:?}");
        let share = failing.iter().map(|(_, seconds)| *seconds as f64).sum::<f64>() / DAY as f64;
        assert!((0.18..0.22).contains(&share), "{share}");
        for condition in [Condition::Unavailable, Condition::Hanging] {
            assert!(failing.iter().any(|(found, _)| *found == condition), "{condition:?}");
        }
    }

    #[tokio::test]
    async fn the_services_answer_as_they_fare_by_the_clock_they_are_given() {
        let seconds = Arc::new(AtomicI64::new(0));
        let hand = Arc::clone(&seconds);
        let clock = move || Moment::from_unix(hand.load(Ordering::SeqCst)).unwrap();
        let queues = Queues::open(None, &[]).unwrap();
        let services = Services::start(&queues, clock).await.unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_millis(300)).build().unwrap();
        for (condition, flaky) in [
            (Condition::Well, Some(200)),
            (Condition::Unavailable, Some(503)),
            (Condition::Hanging, None),
            (Condition::Well, Some(200)),
        ] {
            seconds.store(first(condition).unix(), Ordering::SeqCst);
            let status = async |service: &Service| {
                let response = client.get(service.url()).send().await;
                response.map(|response| response.status().as_u16()).map_err(|error| error.is_timeout())
            };
            assert_eq!(status(&services.flaky).await, flaky.ok_or(true), "{condition:?}");
            assert_eq!(status(&services.steady).await, Ok(200), "{condition:?}");
        }
    }

    #[tokio::test]
    async fn the_services_are_found_where_they_were_before_a_restart() {
        let now = || at(0);
        let queues = Queues::open(None, &[]).unwrap();
        let services = Services::start(&queues, now).await.unwrap();
        let (steady, flaky) = (services.steady, services.flaky);
        assert_ne!(steady, flaky);
        let url = steady.url();
        assert_eq!(
            steady.endpoints(),
            json!([{ "name": "web", "check": { "kind": "http", "url": url }, "interval_seconds": 60 }])
        );

        // While the first ones still have the ports, others move out of the way.
        let second = Services::start(&queues, now).await.unwrap();
        assert!(second.steady != steady && second.flaky != flaky);
        drop(second);

        services.shutdown().await;
        let again = Services::start(&queues, now).await.unwrap();
        assert_eq!((again.steady, again.flaky), (steady, flaky));
    }
}
