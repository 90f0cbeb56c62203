//! Who may ask: somebody known, not too often, and with a signed request only once.

use http::StatusCode;
use lambda::{Problem, caller};
use lambda_http::Request;
use table::{Nonce, Table};
use trust::{id::CallerId, time::Moment};

use crate::unavailable;

/// Calls of one caller in a minute of the clock. Fewer would stand in the way of somebody who opens several chats; more are no
/// person's, and each one costs.
const CALLS_A_MINUTE: u64 = 30;

/// How a caller proves who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By a token that the API's authorizer has checked.
    Token,
    /// By his signature over the request.
    Signature,
}

/// The caller, if he is known and may ask.
///
/// The signature comes first: only its owner's calls count against a key. Then the count, so that no flood of signed requests fills
/// the table with nonces.
pub(crate) async fn admit(
    table: &Table,
    request: &Request,
    proof: Proof,
    now: Moment,
) -> Result<CallerId, Problem> {
    let (caller, nonce) = match proof {
        Proof::Token => (caller::of_token(request)?, None),
        Proof::Signature => {
            let signer = caller::of_signature(request, now)?;
            (signer.caller, Some(signer.nonce))
        }
    };
    let calls = table.count_call(&caller, now).await.map_err(|error| unavailable(&error))?;
    if calls.in_this_minute > CALLS_A_MINUTE {
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests")
            .detail(format!("the most is {CALLS_A_MINUTE} a minute"))
            .retry_after(calls.next_minute_in));
    }
    if let Some(nonce) = nonce {
        let nonce = table.use_nonce(&caller, nonce, now).await.map_err(|error| unavailable(&error))?;
        if nonce == Nonce::Used {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "nonce-used", "The request was made before")
                .detail("the nonce has been used; sign the request anew with another"));
        }
    }
    Ok(caller)
}
