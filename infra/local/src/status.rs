//! What is on its way: `GET /_local/queues`, so that people and tests can see when everything that came in has taken effect.

use std::{collections::HashSet, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use lambda::clock;
use serde_json::{Value, json};

use crate::{
    queues::{Depth, Queues},
    wiring::Wiring,
    worker::stream::Reader,
};

/// Where to look.
pub struct Status {
    queues: Queues,
    readers: Vec<Arc<Reader>>,
    consumed: HashSet<String>,
}

impl Status {
    /// The state of these queues and streams.
    pub fn new(wiring: &Wiring, queues: Queues, readers: Vec<Arc<Reader>>) -> Self {
        let consumed = wiring.queue_triggers.iter().map(|trigger| trigger.queue.clone()).collect();
        Self { queues, readers, consumed }
    }

    /// How many records each stream's reader is behind.
    pub async fn behind(&self) -> anyhow::Result<Vec<(&str, usize)>> {
        let mut behind = Vec::new();
        for reader in &self.readers {
            behind.push((reader.function(), reader.behind().await?));
        }
        Ok(behind)
    }

    async fn read(&self) -> anyhow::Result<Value> {
        let before = self.queues.depths(clock::now()).await?;
        let behind = self.behind().await?;
        // A function fed by a stream may send to a queue, and one fed by a queue writes to the table: only a stream found
        // empty between two looks at empty queues tells that nothing is on its way.
        let depths = self.queues.depths(clock::now()).await?;
        let idle = self.is_settled(&before)
            && behind.iter().all(|(_, records)| *records == 0)
            && self.is_settled(&depths);
        let streams: Vec<Value> = behind
            .into_iter()
            .map(|(function, records)| json!({ "function": function, "behind": records }))
            .collect();
        Ok(json!({ "idle": idle, "queues": depths, "streams": streams }))
    }

    /// Whether no queue that somebody reads holds anything that could be read by now. Dead letters stay, and what is delayed waits for
    /// its time: neither is on its way.
    fn is_settled(&self, depths: &[Depth]) -> bool {
        let consumed = depths.iter().filter(|depth| self.consumed.contains(&depth.queue));
        consumed.into_iter().all(|depth| depth.visible + depth.in_flight == 0)
    }
}

/// Serves it.
pub fn router(status: Arc<Status>) -> Router {
    Router::new().route("/_local/queues", get(serve)).with_state(status)
}

async fn serve(State(status): State<Arc<Status>>) -> Response {
    match status.read().await {
        Ok(read) => Json(read).into_response(),
        Err(error) => {
            tracing::error!(%error, "the queues can not be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
