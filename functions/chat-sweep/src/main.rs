//! Wiring of the chat-sweep function.

use lambda::Environment;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let environment = Environment::of_process();
    lambda::log_as_json(&environment);
    let app = chat_sweep::App::start(&environment).await?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<_>| chat_sweep::handle(&app, event.payload))).await
}
