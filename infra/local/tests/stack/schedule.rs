//! Runs that fell due while nobody was there.

use std::{path::Path, time::Duration};

use local_stack::queues::Queues;
use serde_json::json;
use trust::time::Moment;

use crate::fakes::{Fakes, Running};

/// The name the last run is kept under.
const MARK: &str = "schedule:Watchman:Round";

async fn last_run(directory: &Path) -> Option<Moment> {
    let queues = Queues::open(Some(&directory.join("queues.sqlite")), &[]).unwrap();
    let last = queues.mark(MARK).await.unwrap().map(|text| Moment::parse(&text).unwrap());
    queues.close().await;
    last
}

/// Waits until a run is noted: one that is cut short before that is made again.
async fn noted_after(running: &Running, before: Moment) {
    let noted = async {
        while running.stack.queues().mark(MARK).await.unwrap() == Some(before.to_string()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), noted).await.expect("the run is noted");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_missed_while_the_stack_was_down_are_made_up_for_by_one_and_a_restart_doubles_none() {
    let directory = tempfile::tempdir().unwrap();
    let queues = Queues::open(Some(&directory.path().join("queues.sqlite")), &[]).unwrap();
    let hours_ago = lambda::clock::now().plus(-5 * 3600);
    queues.set_mark(MARK, &hours_ago.to_string()).await.unwrap();
    queues.close().await;

    let fakes = Fakes::default();
    let running = Running::on_disk(directory.path(), &fakes).await;
    assert_eq!(fakes.watchman.called(1).await, [json!({ "round": "now" })]);
    noted_after(&running, hours_ago).await;
    running.stack.shutdown().await;

    let fakes = Fakes::default();
    let running = Running::on_disk(directory.path(), &fakes).await;
    // Long enough for other events to go all the way.
    running.parcels([1]).await;
    fakes.courier.got(1).await;
    assert_eq!(fakes.watchman.events().len(), 0);
    running.stack.shutdown().await;
    assert!(last_run(directory.path()).await > Some(hours_ago));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_counts_from_when_it_was_first_seen_not_from_the_last_restart() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::on_disk(directory.path(), &Fakes::default()).await;
    running.settled().await;
    running.stack.shutdown().await;
    let first = last_run(directory.path()).await.expect("it is noted before it ever ran");
    let running = Running::on_disk(directory.path(), &Fakes::default()).await;
    running.settled().await;
    running.stack.shutdown().await;
    assert_eq!(last_run(directory.path()).await, Some(first));
}
