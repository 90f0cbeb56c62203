//! Wiring of the scrape function.

use lambda::Environment;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    lambda::log_as_json(&environment);
    let app = scrape::App::start(&environment).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| scrape::handle(&app, event.payload))).await
}
