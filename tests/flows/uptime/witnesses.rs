//! The log's witnesses: those who cosign, those who do not, and those who can not be believed.

use std::{collections::BTreeMap, time::Instant};

use axum::http::StatusCode;
use lambda::Environment;
use lambda_http::Request;
use table::{LogHead, Stored};
use transparency::{PublicKey, Published, WitnessKey, cosignature::NotCosigned};
use trust::time::Moment;

use super::{
    log::key,
    witness::{Behaviour, Witness},
    world::{MINUTES_A_DAY, SEEDS, World},
};

/// When the witnesses sign.
const NOW: u64 = 1_835_000_000;

/// A log with two witnesses, which have been asked nothing yet.
struct Witnessed {
    world: World,
    app: uptime_seal::App,
    witnesses: [Witness; 2],
    days: std::cell::Cell<i64>,
}

impl Witnessed {
    async fn start() -> Self {
        let world = World::start().await;
        let log: PublicKey = key(SEEDS[0]);
        let witnesses =
            [Witness::start(1, log.as_bytes(), NOW).await, Witness::start(2, log.as_bytes(), NOW).await];
        let [first, second] = &witnesses;
        let setting = format!("{} {}, {} {}/", first.key, first.url, second.key, second.url);
        let settings = [("WITNESSES", setting.as_str()), ("EGRESS_REACH", "loopback-too")];
        let app = world.start_with_settings(&settings).await.unwrap();
        Self { world, app, witnesses, days: std::cell::Cell::new(0) }
    }

    /// One more day is over, and what waits is appended.
    async fn grow(&self) -> usize {
        self.days.set(self.days.get() + 1);
        self.world.seal(self.days.get() * MINUTES_A_DAY + 120).await;
        self.append().await
    }

    async fn append(&self) -> usize {
        let now = self.world.after(self.days.get() * MINUTES_A_DAY + 121);
        uptime_seal::append(&self.app, now).await.unwrap()
    }

    async fn published(&self) -> Published {
        let head = self.world.table().log_head().await.unwrap().value;
        Published::open(&head.checkpoint, &[key(SEEDS[0])]).unwrap()
    }

    /// Who of the two has cosigned the last checkpoint.
    async fn cosigned(&self) -> [bool; 2] {
        let published = self.published().await;
        self.witnesses.each_ref().map(|witness| match published.cosigned(&witness.key) {
            Ok(time) => {
                assert_eq!(time, Moment::from_unix(NOW as i64).unwrap());
                true
            }
            Err(NotCosigned::Missing(_)) => false,
            Err(wrong) => panic!("{wrong}"),
        })
    }

    fn told(&self) -> [Vec<(u64, u64)>; 2] {
        self.witnesses.each_ref().map(Witness::told)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_checkpoint_is_cosigned_by_all_witnesses_and_served_so() {
    let log = Witnessed::start().await;
    for size in [2, 3, 4] {
        assert!(log.grow().await > 0);
        assert_eq!(log.published().await.head().size, size);
        assert_eq!(log.cosigned().await, [true, true]);
    }
    // They are told from where they know the log, and asked no more than once.
    assert_eq!(log.told(), [[(0, 2), (2, 3), (3, 4)], [(0, 2), (2, 3), (3, 4)]]);
    assert_eq!(log.append().await, 0);
    assert_eq!(log.told(), [[], []]);
    let environment = Environment::from_pairs(log.world.services().environment("scores-api").unwrap());
    let api = scores_api::App::start(&environment).await.unwrap();
    let request = lambda_http::http::Request::get("http://api.example/v1/log/checkpoint");
    let request: Request = request.body(lambda_http::Body::Empty).unwrap();
    let answer = scores_api::handle(&api, request).await.unwrap();
    let lambda_http::Body::Text(served) = answer.into_body() else { panic!("not text") };
    assert_eq!(served, log.published().await.note());
    assert_eq!(served.lines().filter(|line| line.starts_with("— witness.example/w")).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_knows_the_log_at_another_size_is_asked_from_there() {
    let log = Witnessed::start().await;
    log.grow().await;
    let Stored { value: head, version } = log.world.table().log_head().await.unwrap();
    let forgotten = LogHead { witnessed: BTreeMap::new(), ..head };
    log.world.table().write_log_head(&forgotten, version).await.unwrap();
    log.grow().await;
    assert_eq!(log.cosigned().await, [true, true]);
    let asked = [(0, 2), (0, 3), (2, 3)];
    assert_eq!(log.told(), [asked, asked]);
    // One that is new, or has forgotten all.
    log.witnesses[1].remember(0, [0; 32]);
    log.grow().await;
    assert_eq!(log.cosigned().await, [true, true]);
    assert_eq!(log.told(), [vec![(3, 4)], vec![(3, 4), (0, 4)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_not_to_be_believed_leaves_no_trace_and_is_asked_again() {
    let log = Witnessed::start().await;
    log.grow().await;
    for behaviour in [
        Behaviour::Refuses(StatusCode::FORBIDDEN),
        Behaviour::Refuses(StatusCode::NOT_FOUND),
        Behaviour::Refuses(StatusCode::CONFLICT),
        Behaviour::Refuses(StatusCode::UNPROCESSABLE_ENTITY),
        Behaviour::Refuses(StatusCode::INTERNAL_SERVER_ERROR),
        Behaviour::Refuses(StatusCode::NO_CONTENT),
        Behaviour::Redirects,
        Behaviour::Lies,
        Behaviour::Hurries,
        Behaviour::Floods,
        Behaviour::Babbles,
    ] {
        log.witnesses[0].behave(behaviour);
        assert_eq!(log.grow().await, 1, "{behaviour:?}");
        assert_eq!(log.cosigned().await, [false, true], "{behaviour:?}");
        log.witnesses[0].behave(Behaviour::Honest);
        // Nothing waits, and still.
        assert_eq!(log.append().await, 0);
        assert_eq!(log.cosigned().await, [true, true], "{behaviour:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_hangs_or_is_gone_keeps_neither_the_log_nor_other_witnesses_waiting() {
    let log = Witnessed::start().await;
    log.witnesses[0].behave(Behaviour::Hangs);
    let begun = Instant::now();
    assert_eq!(log.grow().await, 2);
    assert!(begun.elapsed().as_secs() < 20);
    assert_eq!(log.cosigned().await, [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_has_seen_another_log_does_not_cosign_and_the_log_goes_on() {
    let log = Witnessed::start().await;
    log.grow().await;
    log.told();
    log.witnesses[0].remember(2, [7; 32]);
    log.witnesses[1].remember(1000, [7; 32]);
    assert_eq!(log.grow().await, 1);
    assert_eq!(log.cosigned().await, [false, false]);
    assert_eq!(log.told(), [[(2, 3)], [(2, 3)]]);
    assert_eq!(log.grow().await, 1);
    assert_eq!(log.published().await.head().size, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_append_at_once_are_cosigned_once() {
    let log = Witnessed::start().await;
    log.world.seal(20 * MINUTES_A_DAY).await;
    let now = log.world.after(20 * MINUTES_A_DAY);
    let appended = futures_util::future::join_all((0..4).map(|_| uptime_seal::append(&log.app, now))).await;
    assert!(appended.iter().any(Result::is_ok), "{appended:?}");
    log.days.set(20);
    log.append().await;
    assert_eq!(log.cosigned().await, [true, true]);
    let note = log.published().await.note().to_owned();
    assert_eq!(note.lines().filter(|line| line.starts_with("— ")).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deployed_asks_no_witness_on_loopback() {
    let world = World::start().await;
    let witness = Witness::start(1, key(SEEDS[0]).as_bytes(), NOW).await;
    let setting = format!("{} {}", witness.key, witness.url);
    assert!(world.start_with_settings(&[("WITNESSES", &setting)]).await.is_err());
    let wired = world.services().environment("uptime-seal").unwrap();
    assert!(!wired.contains_key("EGRESS_REACH"), "the template never lets loopback be asked");
}

/// A witness that nobody here wrote: `tests/transparency/witness` starts one, and then this.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a witness, see tests/transparency/witness"]
async fn a_witness_of_others_cosigns() {
    let environment = Environment::of_process();
    let setting = environment.required("WITNESS").unwrap().to_owned();
    let witness: WitnessKey = setting.split(' ').next().unwrap().parse().unwrap();
    let world = World::start().await;
    let settings = [("WITNESSES", setting.as_str()), ("EGRESS_REACH", "loopback-too")];
    let app = world.start_with_settings(&settings).await.unwrap();
    for days in [1, 2, 9, 300] {
        world.seal(days * MINUTES_A_DAY + 120).await;
        uptime_seal::append(&app, world.after(days * MINUTES_A_DAY + 121)).await.unwrap();
        let Stored { value: head, version } = world.table().log_head().await.unwrap();
        let published = Published::open(&head.checkpoint, &[key(SEEDS[0])]).unwrap();
        published.cosigned(&witness).unwrap();
        if days == 2 {
            let forgotten = LogHead { witnessed: BTreeMap::new(), ..head };
            world.table().write_log_head(&forgotten, version).await.unwrap();
        }
    }
}
