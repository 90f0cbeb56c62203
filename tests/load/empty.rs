//! An empty function: the floor under every start.

use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let answer = async |event: LambdaEvent<serde_json::Value>| Ok::<_, Error>(event.payload);
    lambda_runtime::run(service_fn(answer)).await
}
