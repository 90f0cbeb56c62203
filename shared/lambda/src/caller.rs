//! Who is asking.
//!
//! A route knows its callers in one of two ways, never in both, so that nobody gets by the stricter one with the other: by the
//! token that the API's JWT authorizer has checked ([`of_token`]), or by a signed request ([`of_signature`]).

use http::StatusCode;
use lambda_http::{Request, RequestExt, request::RequestContext};
use trust::{id::CallerId, time::Moment};

use crate::{
    Problem,
    signed_request::{SignedRequest, Signer},
};

/// Whose token the API's authorizer has checked: its `sub`.
///
/// Nothing is verified here. What the authorizer found is in the event, where no client can put anything; a route without one has
/// nothing there, and knows nobody.
pub fn of_token(request: &Request) -> Result<CallerId, Problem> {
    let unknown = |detail: &str| {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Nobody is signed in").detail(detail)
    };
    let context = request.request_context_ref();
    let Some(RequestContext::ApiGatewayV2(context)) = context else {
        return Err(unknown("no token came with it"));
    };
    let token = context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref());
    let token = token.ok_or_else(|| unknown("no token came with it"))?;
    let subject = token.claims.get("sub").ok_or_else(|| unknown("the token names no subject"))?;
    subject.parse().map_err(|_| unknown("the token's subject is no id of the marketplace"))
}

/// Who signed this request.
pub fn of_signature(request: &Request, now: Moment) -> Result<Signer, Problem> {
    let signed = SignedRequest {
        headers: request.headers(),
        method: request.method().as_str(),
        path: request.raw_http_path(),
        body: request.body(),
    };
    signed.verify(now).map_err(|error| {
        Problem::new(StatusCode::UNAUTHORIZED, "invalid-signature", "The signature is not valid")
            .detail(error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use lambda_http::request::LambdaRequest;
    use serde_json::{Value, json};

    use super::*;

    fn request(authorizer: &Value) -> Request {
        let event = json!({
            "version": "2.0", "routeKey": "GET /x", "rawPath": "/x", "rawQueryString": "", "headers": {"host": "h"},
            "requestContext": {
                "accountId": "1", "apiId": "a", "domainName": "h", "domainPrefix": "h", "routeKey": "GET /x", "stage": "$default",
                "http": {"method": "GET", "path": "/x", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "u"},
                "requestId": "r", "time": "20/Nov/2026:10:00:00 +0000", "timeEpoch": 1_795_168_800_000_i64,
                "authorizer": authorizer,
            },
            "isBase64Encoded": false,
        });
        serde_json::from_value::<LambdaRequest>(event).unwrap().into()
    }

    #[test]
    fn the_caller_is_the_subject_of_the_checked_token_and_without_one_nobody() {
        let of = |claims: Value| of_token(&request(&json!({ "jwt": { "claims": claims, "scopes": null } })));
        assert_eq!(of(json!({ "sub": "rita", "iss": "https://m.example" })).unwrap().as_str(), "rita");
        for refused in [
            of_token(&request(&Value::Null)),
            of_token(&request(&json!({ "lambda": { "sub": "rita" } }))),
            of(json!({})),
            of(json!({ "sub": "" })),
            of(json!({ "sub": "auth0|rita" })),
            of(json!({ "sub": "r".repeat(129) })),
        ] {
            assert_eq!(refused.unwrap_err().status(), StatusCode::UNAUTHORIZED);
        }
    }

    #[test]
    fn a_checked_token_is_no_signature() {
        let request = request(&json!({ "jwt": { "claims": { "sub": "rita" }, "scopes": null } }));
        assert_eq!(of_signature(&request, Moment::EPOCH).unwrap_err().status(), StatusCode::UNAUTHORIZED);
    }
}
