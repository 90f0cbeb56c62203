//! What single values are in JSON, with the schema that says so.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use trust::time::{Day, Moment};

/// A moment: RFC 3339, UTC.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Time(pub(crate) Moment);

/// A UTC day.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Date(pub(crate) Day);

/// An opaque id or another text of the domain.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Text<T>(pub(crate) T);

/// One point of a curve: seconds, and a share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point(pub(crate) u32, pub(crate) f64);

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0, self.1).serialize(serializer)
    }
}

/// The ends of a share's interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends(pub(crate) f64, pub(crate) f64);

impl Serialize for Ends {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0, self.1).serialize(serializer)
    }
}

/// A schema that stands where it is used.
macro_rules! inline {
    ($type:ty, $name:literal, $schema:tt $(, $of:ident)?) => {
        impl $(<$of>)? JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

inline!(Time, "Time", { "type": "string", "format": "date-time" });
inline!(Date, "Date", { "type": "string", "format": "date" });
inline!(Text<T>, "Text", { "type": "string" }, T);
inline!(Ends, "Ends", {
    "type": "array", "minItems": 2, "maxItems": 2,
    "items": { "type": "number", "minimum": 0, "maximum": 1 }
});
inline!(Point, "Point", {
    "type": "array", "minItems": 2, "maxItems": 2,
    "prefixItems": [{ "type": "integer", "minimum": 0 }, { "type": "number", "minimum": 0, "maximum": 1 }],
    "items": false
});
