//! Wiring of the yabs function.

use lambda::Environment;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    lambda::log_as_json(&environment);
    let app = yabs::App::start(&environment).await?;
    lambda_http::run(service_fn(|request| yabs::handle(&app, request))).await
}
