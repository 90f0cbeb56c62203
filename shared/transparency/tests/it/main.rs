//! The log from outside: as who keeps it and as who checks it.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod bundles;
mod claim;
mod command;
mod document;
mod growing;
mod published_vectors;
mod support;
mod tampering;
mod uptime;

#[path = "../../examples/bundles/log.rs"]
mod log;
#[path = "../../examples/bundles/made.rs"]
mod made;
#[path = "../../examples/bundles/record.rs"]
mod record;
#[path = "../../examples/bundles/tampered.rs"]
mod tampered;
