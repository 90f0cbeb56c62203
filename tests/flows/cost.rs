//! What it costs: capacity units that stay the same however much history there is.

use end_to_end::{
    capacity::{BUSY, Ledger},
    table_calls::CountedScore,
};

use crate::stack::{ago, completed, in_memory, registered};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_costs_the_same_in_the_300th_conversation_as_in_the_10th() {
    let ledger = Ledger::start(BUSY).await.unwrap();
    let mut tenth = None;
    for number in 1..=300 {
        let prices = (ledger.ask(number).await.unwrap(), ledger.answer(number).await.unwrap());
        if number == 10 {
            tenth = Some(prices);
        }
        if number == 300 {
            assert_eq!(Some(prices), tenth);
        }
    }
    ledger.summarise(300).await.unwrap();
    let read = ledger.read().await.unwrap();
    assert!(
        read.read <= 1.0 && read.read > 0.0,
        "a provider's page is one read of at most one unit: {read:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_1000th_message_that_nobody_replies_to_costs_what_the_10th_does_and_so_does_the_reply() {
    let ledger = Ledger::start(BUSY).await.unwrap();
    let mut prices = Vec::new();
    for (conversation, last) in [(1, 10), (2, 1000)] {
        ledger.ask(conversation).await.unwrap();
        for nth in 2..last {
            ledger.ask_again(conversation, nth).await.unwrap();
        }
        let again = ledger.ask_again(conversation, last).await.unwrap();
        // Chatwoot shows a conversation's last message with each of its events.
        let twice = ledger.ask_again(conversation, last).await.unwrap();
        let answer = ledger.answer_after(conversation, 3600).await.unwrap();
        prices.push((again, twice, answer));
    }
    assert_eq!(prices[0], prices[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_two_reads_and_two_writes_once_the_days_first_is_made() {
    let (stack, door) = in_memory().await;
    let contract = completed("c1", "p1", "r1", ago(60 * 24 * 4));
    door.told(&[&[registered("p1", 1)][..], &contract].concat()).await;
    door.settled().await;
    let score = CountedScore::beside(&stack).await.unwrap();
    let sort_key = format!("signal#{}#c", ago(0).day());
    // Where midnight has just passed, this is the day's first.
    score.rescore("p1", &sort_key).await.unwrap();
    let calls = score.rescore("p1", &sort_key).await.unwrap();
    let operations: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, ["Query", "Query", "PutItem", "PutItem"]);
    assert_eq!(calls.iter().map(|call| call.writes).sum::<usize>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_reads_the_same_after_sixty_days_of_conversations_as_after_ten() {
    const A_DAY: u64 = 8;
    let ledger = Ledger::start(86_400 / A_DAY as i64).await.unwrap();
    let mut half_units = Vec::new();
    for number in 1..=60 * A_DAY {
        ledger.ask(number).await.unwrap();
        ledger.answer(number).await.unwrap();
        if [10 * A_DAY, 60 * A_DAY].contains(&number) {
            // The day's first summary folds what lies before.
            ledger.summarise(number).await.unwrap();
            let again = ledger.summarise(number).await.unwrap();
            half_units.push((again.read * 2.0) as u64);
        }
    }
    assert_eq!(half_units[0], half_units[1]);
}
