//! Records of the table's stream, as far as they matter: whose item changed, and from where on a failed batch is told again.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// A stream record.
#[derive(Debug, Deserialize)]
pub struct Record {
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: BTreeMap<String, Value>,
    #[serde(rename = "SequenceNumber")]
    sequence_number: String,
}

impl Record {
    /// The text under which a part of the item's key stands.
    pub fn key(&self, name: &str) -> Option<&str> {
        self.dynamodb.keys.get(name).and_then(|key| key["S"].as_str())
    }

    /// Its number in the stream, for a log.
    pub fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }
}

/// The answer for a batch of which these records, by their places, could not be handled: the stream comes back from the first of them.
///
/// Sequence numbers are numbers of any length, so neither their text nor an integer type orders them; their places do.
pub fn answer(records: &[Record], failed: impl IntoIterator<Item = usize>) -> Value {
    let first = failed.into_iter().min().and_then(|place| records.get(place)).map(Record::sequence_number);
    let failures: Vec<Value> = first.into_iter().map(|first| json!({ "itemIdentifier": first })).collect();
    json!({ "batchItemFailures": failures })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: &str) -> Record {
        let record = json!({ "dynamodb": { "Keys": { "pk": { "S": "a" } }, "SequenceNumber": number } });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn a_batch_comes_back_from_its_first_failed_record_however_long_its_number_is() {
        let records = [record("9"), record("10"), record("11")];
        assert_eq!(records[0].key("pk"), Some("a"));
        let from = |failed: &[usize]| answer(&records, failed.iter().copied());
        assert_eq!(from(&[2, 0]), json!({ "batchItemFailures": [{ "itemIdentifier": "9" }] }));
        assert_eq!(from(&[2, 1]), json!({ "batchItemFailures": [{ "itemIdentifier": "10" }] }));
        assert_eq!(from(&[]), json!({ "batchItemFailures": [] }));
    }
}
