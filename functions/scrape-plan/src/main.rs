//! Wiring of the scrape-plan function.

use lambda::Environment;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    lambda::log_as_json(&environment);
    let app = scrape_plan::App::start(&environment).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| scrape_plan::handle(&app, event.payload))).await
}
