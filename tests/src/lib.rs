//! What the end-to-end tests stand on: functions' binaries started as Lambda starts them ([`function`]) by a Runtime API of our own
//! ([`runtime_api`]), the AWS services they talk to ([`services`]), the sample events they are given ([`samples`]), and a
//! Chatwoot of our own ([`chatwoot`]).

pub mod callers;
pub mod capacity;
pub mod chatwoot;
pub mod function;
pub mod operator;
pub mod runtime_api;
pub mod samples;
pub mod services;
mod settled;
pub mod table_calls;

pub use settled::settled;
