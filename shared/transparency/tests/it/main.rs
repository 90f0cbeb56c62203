//! The log from outside: as who keeps it and as who checks it.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod bundles;
mod claim;
mod growing;
mod published_vectors;
mod support;
mod tampering;
