//! Every function's binary, started as Lambda starts it, answers its sample event through the Runtime API.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

mod batches;
mod identity;
mod notify;
mod requests;
mod start;
mod uptime;

use end_to_end::{
    function::Function,
    samples,
    services::{BusHealth, Services},
};

/// Services that work, and one function among them.
async fn started(function: &str) -> (Services, Function) {
    let services = Services::start(samples::secrets(), BusHealth::Up).await.unwrap();
    let function = start(&services, function).await;
    (services, function)
}

async fn start(services: &Services, function: &str) -> Function {
    Function::start(function, &services.environment(function).unwrap()).await.unwrap()
}
