//! What comes to light of days that have been folded.

use end_to_end::capacity::Ledger;
use lambda::Environment;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_comes_to_light_weeks_later_counts_on_its_day_though_that_was_folded() {
    const A_DAY: i64 = 86_400;
    let ledger = Ledger::start_at(lambda::clock::now().plus(-40 * A_DAY), A_DAY).await.unwrap();
    let environment = Environment::from_pairs(ledger.services().environment("score").unwrap());
    let app = score::App::start(&environment).await.unwrap();
    let provider = "acme".parse().unwrap();
    let after_the_reply_in = async |number| {
        ledger.answer_after(number, 600).await.unwrap();
        let sort_key = format!("signal#{}#raf03", ledger.asked_at(number).day());
        let keys = json!({ "pk": { "S": "provider#acme" }, "sk": { "S": sort_key } });
        let records = json!({ "Records": [{ "dynamodb": { "Keys": keys, "SequenceNumber": "1" } }] });
        let answer = score::handle(&app, records).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
        let summary = ledger.table().summary(&provider).await.unwrap().unwrap();
        let window = &summary.replies.windows[1];
        (window.waits, window.open, window.in_time.count)
    };
    ledger.ask(1).await.unwrap();
    ledger.ask(2).await.unwrap();
    assert_eq!(after_the_reply_in(1).await, (2, 1, 1));
    assert_eq!(after_the_reply_in(2).await, (2, 0, 2));
}
