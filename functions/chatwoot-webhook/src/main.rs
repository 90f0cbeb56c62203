//! Wiring of the chatwoot-webhook function.

use lambda::Environment;
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    lambda::log_as_json(&environment);
    let app = chatwoot_webhook::App::start(&environment).await?;
    run(service_fn(|request: Request| chatwoot_webhook::handle(&app, request))).await
}
