//! Metrics, as CloudWatch takes them from a log line ([embedded metric format]): no call, no permission.
//!
//! [embedded metric format]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use trust::time::Moment;

use crate::Environment;

/// Where metrics go.
#[derive(Debug, Clone)]
pub struct Metrics {
    namespace: Option<String>,
    counted: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Metrics {
    /// Metrics in the namespace that `METRICS_NAMESPACE` names; none where it is not set.
    pub fn connect(environment: &Environment) -> Self {
        let namespace = environment.optional("METRICS_NAMESPACE").map(str::to_owned);
        Self { namespace, counted: Arc::default() }
    }

    /// Counts so many of something.
    pub fn count(&self, name: &str, count: usize, now: Moment) {
        let Some(namespace) = &self.namespace else { return };
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default() +=
            count;
        let line = format!("{}\n", line(namespace, name, count, now));
        if let Err(error) = io::stdout().lock().write_all(line.as_bytes()) {
            tracing::warn!(%error, name, count, "a metric is lost");
        }
    }

    /// How much of something was counted since the start. Nothing where metrics go nowhere.
    pub fn counted(&self, name: &str) -> usize {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied().unwrap_or_default()
    }
}

fn line(namespace: &str, name: &str, count: usize, now: Moment) -> Value {
    json!({
        "_aws": {
            "Timestamp": now.unix() * 1000,
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [[]],
                "Metrics": [{ "Name": name, "Unit": "Count" }],
            }],
        },
        name: count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_line_in_the_embedded_metric_format() {
        let line =
            line("provider-trust-dev", "RepairedMessages", 3, Moment::from_unix(1_790_000_000).unwrap());
        let metrics = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 1_790_000_000_000_i64);
        assert_eq!(
            (&metrics["Namespace"], &metrics["Metrics"][0]["Name"]),
            (&json!("provider-trust-dev"), &json!("RepairedMessages"))
        );
        assert_eq!(line["RepairedMessages"], 3);
    }
}
