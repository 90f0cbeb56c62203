//! What the end-to-end tests stand on: functions' binaries started as Lambda starts them ([`function`]) by a Runtime API of our own
//! ([`runtime_api`]), the AWS services they talk to ([`services`]), and the sample events they are given ([`samples`]).

pub mod capacity;
pub mod function;
pub mod runtime_api;
pub mod samples;
pub mod services;
