//! Wiring of the probe function.

use lambda::Environment;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    lambda::log_as_json(&environment);
    let app = prober::App::start(&environment).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| prober::handle(&app, event.payload))).await
}
