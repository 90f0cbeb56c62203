//! JSON of others, read into memory only if that is enough for it.
//!
//! A document says in a few bytes what takes hundreds: an object of one key is seven bytes of text and a whole node of a tree. So a document
//! is weighed before it is read, by a scan that errs towards too heavy.

use serde_json::Value;

use crate::outcome::Unrecognised;

/// The most memory that a document may take, in bytes. The heaviest that is asked for, an offer file of 8 MiB, weighs up to 110 MiB: with less,
/// it would not be read. With more, a page could kill the function that reads it, which keeps a document up to twice at once and has 512 MB.
pub(crate) const HEAVIEST: usize = 128 << 20;

/// What the first key of an object costs: a leaf of a B-tree, which has room for eleven.
const OBJECT: usize = 640;

/// What the first element of an array costs: room for four.
const ARRAY: usize = 160;

/// What each further key or element costs: its place, with what is left free as a tree or an array grows, and its texts' own places.
const ELEMENT: usize = 192;

/// How deep the parser goes. What is deeper is refused there, and takes no memory.
const DEEPEST: usize = 128;

/// A document, or in which way it is none that is read.
pub(crate) fn read(document: &[u8]) -> Result<Value, Unrecognised> {
    if weight(document) > HEAVIEST {
        return Err(Unrecognised::TooLarge);
    }
    serde_json::from_slice(document)
        .map_err(|error| if error.is_eof() { Unrecognised::Truncated } else { Unrecognised::Format })
}

/// The bytes that a document takes at most once it is read: its texts, and what holds them.
pub(crate) fn weight(document: &[u8]) -> usize {
    let (mut weight, mut depth) = (document.len(), 0_usize);
    let mut bytes = document.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' | b'[' => {
                weight += if *byte == b'{' { OBJECT } else { ARRAY };
                depth += 1;
                if depth > DEEPEST {
                    break;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => weight += ELEMENT,
            _ => {}
        }
    }
    weight
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// As much of a piece as a page of 2 MiB holds.
    fn page_of(piece: &str) -> String {
        format!("[{}0]", piece.repeat((2 << 20) / piece.len()))
    }

    #[test]
    fn a_page_that_would_fill_the_memory_is_not_read() {
        for piece in [
            "{\"\":0},",
            "{\"\":{\"\":{\"\":{\"\":0}}}},",
            "[0],",
            "[[[[0]]]],",
            "0,",
            "\"\",",
            "{\"a\":0,\"b\":0},",
        ] {
            assert_eq!(read(page_of(piece).as_bytes()), Err(Unrecognised::TooLarge), "{piece}");
        }
    }

    #[test]
    fn the_largest_list_that_is_asked_for_is_read() {
        let product = json!({ "sku": "2223B6PCG6QAUYY6", "productFamily": "Lightsail Instance", "attributes": {
            "servicecode": "AmazonLightsail", "location": "EU (Frankfurt)", "locationType": "AWS Region", "memory": "4GB", "vcpu": "2",
            "storage": "80 GB", "operatingSystem": "Linux", "usagetype": "EUC1-BundleUsage:4GB", "operation": "CreateInstance",
            "regionCode": "eu-central-1", "servicename": "Amazon Lightsail" } });
        let term = json!({ "2223B6PCG6QAUYY6.JRTCKXETXF": { "offerTermCode": "JRTCKXETXF", "sku": "2223B6PCG6QAUYY6",
            "effectiveDate": "2026-11-01T00:00:00Z", "priceDimensions": { "2223B6PCG6QAUYY6.JRTCKXETXF.6YS6EN2CT7": {
                "rateCode": "2223B6PCG6QAUYY6.JRTCKXETXF.6YS6EN2CT7", "description": "$0.0322580645 / Hour of 4GB bundle in EU (Frankfurt)",
                "beginRange": "0", "endRange": "Inf", "unit": "Hrs", "pricePerUnit": { "USD": "0.0322580645" }, "appliesTo": [] } },
            "termAttributes": {} } });
        let both = format!("{product},{term},");
        let list = format!("[{}0]", both.repeat((8 << 20) / both.len()));
        assert!(read(list.as_bytes()).is_ok(), "{} MiB", weight(list.as_bytes()) >> 20);
    }

    #[test]
    fn what_stands_in_a_text_weighs_nothing_but_its_length() {
        for text in [r#""[{,{[,""#, r#""\"[{\\\",""#, r#""\\""#, "17", ""] {
            assert_eq!(weight(text.as_bytes()), text.len(), "{text}");
        }
        assert_eq!(weight(br#"["\\",{}]"#), 9 + ARRAY + ELEMENT + OBJECT);
        let deep = "[".repeat(1 << 20);
        assert_eq!(
            read(deep.as_bytes()),
            Err(Unrecognised::Format),
            "the parser refuses it before it costs anything"
        );
    }

    proptest! {
        /// Every object, array and element is weighed, however the document is written.
        #[test]
        fn no_part_of_a_document_is_overlooked(keys in prop::collection::vec("[ -~]{0,6}", 0..6), texts in prop::collection::vec(".{0,8}", 0..6)) {
            let object: serde_json::Map<String, Value> = keys.iter().map(|key| (key.clone(), json!(texts))).collect();
            let (count, each) = (object.len(), texts.len().saturating_sub(1) * ELEMENT + ARRAY);
            let document = Value::from(object).to_string();
            let holds = OBJECT + count.saturating_sub(1) * ELEMENT + count * each;
            prop_assert_eq!(weight(document.as_bytes()), document.len() + holds);
        }
    }
}
