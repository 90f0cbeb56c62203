//! A schedule as an event source.

use std::time::Duration;

use lambda::clock;
use trust::time::Moment;

use crate::{functions::Function, queues::Queues, wiring::ScheduleTrigger};

use super::PAUSE;

/// Works for ever. When it ran last is kept, so a restart neither skips a run that fell due nor doubles one.
pub async fn run(trigger: ScheduleTrigger, queues: Queues, function: Function) {
    let mark = format!("schedule:{}:{}", trigger.function, trigger.name);
    let mut last = match queues.mark(&mark).await {
        Ok(Some(text)) => Moment::parse(&text).unwrap_or_else(|_| clock::now()),
        _ => clock::now(),
    };
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
        if let Err(error) = queues.set_mark(&mark, &last.to_string()).await {
            tracing::error!(%error, schedule = trigger.name, "the run is not noted");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
