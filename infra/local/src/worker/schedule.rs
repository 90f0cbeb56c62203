//! A schedule as an event source.

use std::time::Duration;

use lambda::clock;
use trust::time::Moment;

use crate::{functions::Function, queues::Queues, wiring::ScheduleTrigger};

use super::PAUSE;

/// Works for ever. When it ran last is kept, so a restart neither skips a run that fell due nor doubles one. A schedule that never
/// ran counts from when this stack first saw it, however often it was restarted since.
pub async fn run(trigger: ScheduleTrigger, queues: Queues, function: Function) {
    let mark = format!("schedule:{}:{}", trigger.function, trigger.name);
    let mut last = begin(&queues, &mark).await;
    while let Some(next) = trigger.schedule.next(last) {
        let now = clock::now();
        if next > now {
            tokio::time::sleep(Duration::from_secs(u64::from(next.since(now)))).await;
            continue;
        }
        if let Err(error) = function.invoke(trigger.input.clone()).await {
            tracing::error!(%error, schedule = trigger.name, "a scheduled run failed");
        }
        // Runs missed while the stack was down are made up for by one.
        last = now;
        note(&queues, &mark, last).await;
    }
}

async fn begin(queues: &Queues, mark: &str) -> Moment {
    loop {
        match queues.mark(mark).await {
            Ok(kept) => {
                if let Some(last) = kept.and_then(|text| Moment::parse(&text).ok()) {
                    return last;
                }
                let first = clock::now();
                note(queues, mark, first).await;
                return first;
            }
            Err(error) => tracing::error!(%error, mark, "when it ran last can not be read"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn note(queues: &Queues, mark: &str, last: Moment) {
    while let Err(error) = queues.set_mark(mark, &last.to_string()).await {
        tracing::error!(%error, mark, "the run is not noted");
        tokio::time::sleep(PAUSE).await;
    }
}
