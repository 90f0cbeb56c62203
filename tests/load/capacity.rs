//! Capacity units: of a message, a reply, a summary and a read, as a provider's history grows.

use end_to_end::capacity::{BUSY, Ledger, Price};

pub(crate) async fn measure(conversations: u64) -> anyhow::Result<()> {
    let ledger = Ledger::start(BUSY).await?;
    println!(
        "conversation | renter's message R/W | reply R/W | day's first summary R/W | summary R/W | GET provider R"
    );
    let mut next = 10;
    for number in 1..=conversations {
        let asked = ledger.ask(number).await?;
        let answered = ledger.answer(number).await?;
        if number == next || number == conversations {
            let (first, summary) = (ledger.summarise(number).await?, ledger.summarise(number).await?);
            let read = ledger.read().await?;
            let show = |Price { read, written }: Price| format!("{read}/{written}");
            let [asked, answered, first, summary] = [asked, answered, first, summary].map(show);
            println!("{number} | {asked} | {answered} | {first} | {summary} | {}", read.read);
            next *= 10;
        }
    }
    Ok(())
}
