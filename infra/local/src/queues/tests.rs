//! What a queue does over time, with the time in the test's hand.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::wiring::Redrive;

fn at(seconds: i64) -> Moment {
    Moment::from_unix(1_700_000_000 + seconds).unwrap()
}

fn rules() -> Vec<Queue> {
    let queue = |name: &str, redrive| Queue {
        name: name.to_owned(),
        visibility: Duration::from_secs(30),
        retention: Duration::from_secs(1000),
        delay: Duration::ZERO,
        redrive,
    };
    let redrive = Redrive { dead_letter: "dead".to_owned(), max_receives: 2 };
    let late = Queue { delay: Duration::from_secs(20), ..queue("late", None) };
    vec![queue("work", Some(redrive)), queue("dead", None), late]
}

async fn bodies(queues: &Queues, queue: &str, now: Moment) -> Vec<String> {
    queues.receive(queue, 10, now).await.unwrap().into_iter().map(|message| message.body).collect()
}

async fn send(queues: &Queues, bodies: &[&str]) {
    let messages = bodies.iter().map(|body| Message::new("work", *body)).collect();
    queues.send(messages, at(0)).await.unwrap();
}

#[tokio::test]
async fn a_received_message_is_hidden_until_its_time_is_up_or_it_is_deleted() {
    let queues = Queues::open(None, &rules()).unwrap();
    send(&queues, &["a", "b"]).await;
    let first = queues.receive("work", 1, at(0)).await.unwrap();
    assert_eq!((first[0].body.as_str(), first[0].receives), ("a", 1));
    assert_eq!(bodies(&queues, "work", at(1)).await, ["b"]);
    assert_eq!(bodies(&queues, "work", at(29)).await, Vec::<String>::new());
    queues.delete(vec![first[0].key]).await.unwrap();
    assert_eq!(bodies(&queues, "work", at(40)).await, ["b"]);
}

#[tokio::test]
async fn a_message_received_too_often_moves_to_the_dead_letters_and_stays_there() {
    let queues = Queues::open(None, &rules()).unwrap();
    send(&queues, &["poison"]).await;
    assert_eq!(bodies(&queues, "work", at(0)).await, ["poison"]);
    assert_eq!(bodies(&queues, "work", at(30)).await, ["poison"]);
    assert_eq!(bodies(&queues, "work", at(60)).await, Vec::<String>::new());
    let depths = queues.depths(at(60)).await.unwrap();
    assert_eq!((depths[0].queue.as_str(), depths[0].visible), ("dead", 1));
    assert_eq!((depths[2].visible, depths[2].in_flight, depths[2].dead_letters), (0, 0, 1));
}

#[tokio::test]
async fn a_message_older_than_the_retention_is_gone() {
    let queues = Queues::open(None, &rules()).unwrap();
    send(&queues, &["old"]).await;
    assert_eq!(bodies(&queues, "work", at(1001)).await, Vec::<String>::new());
}

#[tokio::test]
async fn after_a_crash_nothing_is_lost_and_what_was_in_flight_comes_back_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("queues.sqlite");
    {
        let queues = Queues::open(Some(&file), &rules()).unwrap();
        send(&queues, &["a", "b"]).await;
        assert_eq!(queues.receive("work", 1, at(0)).await.unwrap()[0].body, "a");
        queues.set_mark("stream", "17").await.unwrap();
        // Dropped without closing, as a crash would.
    }
    let queues = Queues::open(Some(&file), &rules()).unwrap();
    let again = queues.receive("work", 10, at(1)).await.unwrap();
    let seen: Vec<_> = again.iter().map(|message| (message.body.as_str(), message.receives)).collect();
    assert_eq!(seen, [("a", 1), ("b", 1)]);
    assert_eq!(queues.mark("stream").await.unwrap().as_deref(), Some("17"));
    assert_eq!(queues.mark("other").await.unwrap(), None);
}

#[tokio::test]
async fn crashes_do_not_make_a_message_a_dead_letter() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("queues.sqlite");
    for life in 0..6 {
        let queues = Queues::open(Some(&file), &rules()).unwrap();
        if life == 0 {
            send(&queues, &["a"]).await;
        }
        assert_eq!(bodies(&queues, "work", at(life)).await, ["a"]);
    }
}

#[tokio::test]
async fn poison_in_front_does_not_shrink_a_batch() {
    let queues = Queues::open(None, &rules()).unwrap();
    send(&queues, &["p1", "p2", "p3"]).await;
    for tries in 0..2 {
        assert_eq!(bodies(&queues, "work", at(tries * 30)).await.len(), 3);
    }
    let fresh = vec![Message::new("work", "good"); 2];
    queues.send(fresh, at(60)).await.unwrap();
    let found = queues.receive("work", 2, at(60)).await.unwrap();
    assert_eq!(found.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["good", "good"]);
}

fn delayed(queue: &str, body: &str, seconds: u64) -> Message {
    Message { delay: Some(Duration::from_secs(seconds)), ..Message::new(queue, body) }
}

#[tokio::test]
async fn a_delayed_message_can_not_be_received_before_its_time() {
    let queues = Queues::open(None, &rules()).unwrap();
    let messages = vec![delayed("work", "later", 60), Message::new("work", "now")];
    queues.send(messages, at(0)).await.unwrap();
    assert_eq!(bodies(&queues, "work", at(0)).await, ["now"]);
    assert_eq!(bodies(&queues, "work", at(29)).await, Vec::<String>::new());
    let depth = queues.depths(at(29)).await.unwrap().pop().unwrap();
    assert_eq!((depth.visible, depth.in_flight, depth.delayed), (0, 1, 1));
    assert_eq!(bodies(&queues, "work", at(59)).await, ["now"], "that one was hidden, not delayed");
    assert_eq!(bodies(&queues, "work", at(60)).await, ["later"]);
}

#[tokio::test]
async fn a_queues_own_delay_counts_unless_the_message_has_one() {
    let queues = Queues::open(None, &rules()).unwrap();
    let messages = vec![Message::new("late", "as usual"), delayed("late", "at once", 0)];
    queues.send(messages, at(0)).await.unwrap();
    assert_eq!(bodies(&queues, "late", at(19)).await, ["at once"]);
    assert_eq!(bodies(&queues, "late", at(20)).await, ["as usual"]);
}

#[tokio::test]
async fn a_delay_goes_on_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("queues.sqlite");
    {
        let queues = Queues::open(Some(&file), &rules()).unwrap();
        queues.send(vec![delayed("work", "later", 60)], at(0)).await.unwrap();
    }
    for _ in 0..2 {
        let queues = Queues::open(Some(&file), &rules()).unwrap();
        assert_eq!(bodies(&queues, "work", at(59)).await, Vec::<String>::new());
    }
    let queues = Queues::open(Some(&file), &rules()).unwrap();
    let received = queues.receive("work", 10, at(60)).await.unwrap();
    assert_eq!((received[0].body.as_str(), received[0].receives), ("later", 1));
}

#[tokio::test]
async fn sending_to_a_queue_that_is_not_there_sends_nothing_at_all() {
    let queues = Queues::open(None, &rules()).unwrap();
    let messages = vec![Message::new("work", "a"), Message::new("nowhere", "b")];
    queues.send(messages, at(0)).await.unwrap_err();
    assert_eq!(bodies(&queues, "work", at(1)).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_fails_in_a_shared_transaction_leaves_nothing_and_fails_alone() {
    let queues = Queues::open(None, &rules()).unwrap();
    let broken = queues.ask(|connection| {
        super::send(connection, &[(Message::new("work", "half"), at(0))], at(0))?;
        Err::<(), _>(QueueError("then it broke".to_owned()))
    });
    let (broken, ()) = tokio::join!(broken, send(&queues, &["whole"]));
    assert!(broken.is_err());
    assert_eq!(bodies(&queues, "work", at(1)).await, ["whole"]);
}

#[tokio::test]
async fn a_second_stack_can_not_open_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("queues.sqlite");
    let queues = Queues::open(Some(&file), &rules()).unwrap();
    let other = Connection::open(&file).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    assert!(other.execute("DELETE FROM message", []).is_err());
    queues.close().await;
    assert!(queues.mark("any").await.is_err());
    other.execute("DELETE FROM message", []).unwrap();
}

/// When all is visible that a crash brought back.
const BEFORE_ALL: i64 = -1_700_000_000;

/// What a queue should do, told as simply as possible.
#[derive(Default)]
struct Model {
    /// Body, when visible, receives, delay.
    messages: Vec<(u32, i64, u32, i64)>,
    dead: Vec<u32>,
}

#[derive(Debug, Clone)]
enum Step {
    Send { delay: i64 },
    Receive { most: usize, delete: bool },
    Pass(i64),
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => prop_oneof![Just(0), 1..50_i64].prop_map(|delay| Step::Send { delay }),
        4 => (1..4_usize, any::<bool>()).prop_map(|(most, delete)| Step::Receive { most, delete }),
        2 => (1..40_i64).prop_map(Step::Pass),
        1 => Just(Step::Crash),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happens_each_message_is_delivered_or_dead_and_none_is_lost(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("queues.sqlite");
            let mut queues = Queues::open(Some(&file), &rules()).unwrap();
            let (mut model, mut now, mut sent) = (Model::default(), 0, 0_u32);
            for step in steps {
                match step {
                    Step::Send { delay } => {
                        let message = Message { delay: Some(Duration::from_secs(delay as u64)), ..Message::new("work", sent.to_string()) };
                        queues.send(vec![message], at(now)).await.unwrap();
                        model.messages.push((sent, now + delay, 0, delay));
                        sent += 1;
                    }
                    Step::Receive { most, delete } => {
                        let found = queues.receive("work", most, at(now)).await.unwrap();
                        // What was received twice and is seen again is dead, wherever it stood before the last one taken.
                        let depths = queues.depths(at(now)).await.unwrap();
                        let mut visible: Vec<_> = model.messages.iter().copied().filter(|m| m.1 <= now).collect();
                        visible.sort_by_key(|m| (m.1, m.0));
                        let mut taken = Vec::new();
                        for (body, _, receives, _) in visible {
                            if taken.len() == most {
                                break;
                            }
                            if receives == 2 {
                                model.messages.retain(|m| m.0 != body);
                                model.dead.push(body);
                            } else {
                                taken.push((body.to_string(), receives + 1));
                            }
                        }
                        let seen: Vec<_> = found.iter().map(|m| (m.body.clone(), m.receives)).collect();
                        prop_assert_eq!(&seen, &taken);
                        prop_assert_eq!(depths[0].visible, model.dead.len() as u64);
                        for message in found {
                            let body: u32 = message.body.parse().unwrap();
                            if delete {
                                queues.delete(vec![message.key]).await.unwrap();
                                model.messages.retain(|m| m.0 != body);
                            } else {
                                let known = model.messages.iter_mut().find(|m| m.0 == body).unwrap();
                                *known = (body, now + 30, message.receives, 0);
                            }
                        }
                    }
                    Step::Pass(seconds) => now += seconds,
                    Step::Crash => {
                        drop(queues);
                        queues = Queues::open(Some(&file), &rules()).unwrap();
                        for message in &mut model.messages {
                            let delayed = message.2 == 0 && message.3 > 0;
                            if message.1 != BEFORE_ALL && !delayed {
                                *message = (message.0, BEFORE_ALL, message.2.saturating_sub(1), 0);
                            }
                        }
                    }
                }
            }
            let depths = queues.depths(at(now)).await.unwrap();
            let work = &depths[2];
            prop_assert_eq!(work.visible + work.in_flight + work.delayed, model.messages.len() as u64);
            let delayed = model.messages.iter().filter(|m| m.1 > now && m.2 == 0).count();
            prop_assert_eq!(work.delayed, delayed as u64);
            Ok(())
        })?;
    }
}
