//! What it costs: capacity units that stay the same however much history there is.

use end_to_end::capacity::Ledger;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_costs_the_same_in_the_300th_conversation_as_in_the_10th() {
    let ledger = Ledger::start().await.unwrap();
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
    ledger.summarise().await.unwrap();
    let read = ledger.read().await.unwrap();
    assert!(
        read.read <= 1.0 && read.read > 0.0,
        "a provider's page is one read of at most one unit: {read:?}"
    );
}
