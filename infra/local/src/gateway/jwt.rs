//! What API Gateway's JWT authorizer makes of a request's token: the steps and the answers its manual has.
//!
//! It takes RSA signatures (RS256) as API Gateway does, and ES256 and `EdDSA`, which API Gateway does not. An algorithm is the
//! key's, never what the token says of itself, so neither `none` nor a public key taken for a shared secret gets by.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};
use serde_json::{Map, Value};
use trust::time::Moment;

use crate::wiring::JwtAuthorizer;

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("no token came with the request")]
    NoToken,
    #[error("the token can not be read")]
    Unreadable,
    #[error("the token names no key that is known")]
    UnknownKey,
    #[error("the token is signed with another algorithm than its key's")]
    WrongAlgorithm,
    #[error("the signature is not valid")]
    WrongSignature,
    #[error("the token does not have a valid issuer")]
    WrongIssuer,
    #[error("the token does not have a valid audience")]
    WrongAudience,
    #[error("the token has expired, or does not say when it will")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let challenge = match self {
            Self::NoToken => "Bearer".to_owned(),
            refused => format!("Bearer scope=\"\" error=\"invalid_token\" error_description=\"{refused}\""),
        };
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::WWW_AUTHENTICATE, &challenge)];
        (StatusCode::UNAUTHORIZED, headers, "{\"message\":\"Unauthorized\"}").into_response()
    }
}

/// The claims of the token in an `Authorization` header, if it is good.
pub(super) fn authorize(
    authorizer: &JwtAuthorizer,
    authorization: Option<&str>,
    keys: &JwkSet,
    now: Moment,
) -> Result<Map<String, Value>, Refused> {
    let token = authorization.map(bare).filter(|token| !token.is_empty()).ok_or(Refused::NoToken)?;
    let header = decode_header(token).map_err(|_| Refused::Unreadable)?;
    let key = header.kid.as_deref().and_then(|id| keys.find(id)).ok_or(Refused::UnknownKey)?;
    let algorithm =
        algorithm(key).filter(|algorithm| *algorithm == header.alg).ok_or(Refused::WrongAlgorithm)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Refused::UnknownKey)?;
    let mut signature_only = Validation::new(algorithm);
    // The claims are looked at below, by a clock that is passed in.
    signature_only.validate_exp = false;
    signature_only.validate_aud = false;
    signature_only.required_spec_claims.clear();
    let token =
        decode::<Map<String, Value>>(token, &key, &signature_only).map_err(|_| Refused::WrongSignature)?;
    check(authorizer, &token.claims, now)?;
    Ok(token.claims.into_iter().map(|(name, value)| (name, Value::String(written(&value)))).collect())
}

/// The token alone, or after `Bearer`.
fn bare(authorization: &str) -> &str {
    match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => authorization,
    }
}

fn algorithm(key: &Jwk) -> Option<Algorithm> {
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(curve) if curve.curve == EllipticCurve::Ed25519 => {
            Some(Algorithm::EdDSA)
        }
        _ => None,
    }
}

fn check(authorizer: &JwtAuthorizer, claims: &Map<String, Value>, now: Moment) -> Result<(), Refused> {
    if claims.get("iss").and_then(Value::as_str) != Some(&authorizer.issuer) {
        return Err(Refused::WrongIssuer);
    }
    let audience = claims.get("aud").or_else(|| claims.get("client_id"));
    let ours = |value: &Value| {
        value.as_str().is_some_and(|text| authorizer.audience.iter().any(|known| known == text))
    };
    let for_us = match audience {
        Some(Value::Array(several)) => several.iter().any(ours),
        one => one.is_some_and(ours),
    };
    if !for_us {
        return Err(Refused::WrongAudience);
    }
    let now = now.unix() as f64;
    if claims.get("exp").and_then(Value::as_f64).is_none_or(|expires| expires <= now) {
        return Err(Refused::Expired);
    }
    let begun =
        |name| claims.get(name).is_none_or(|value: &Value| value.as_f64().is_some_and(|from| from <= now));
    if begun("nbf") && begun("iat") { Ok(()) } else { Err(Refused::NotYet) }
}

/// A claim as a function gets it: always a text, lists as `[a b]`.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        encoding::AsDer,
        rand::SystemRandom,
        rsa::KeySize,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
    };
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_790_000_000;

    struct Signer {
        algorithm: Algorithm,
        key: EncodingKey,
    }

    impl Signer {
        fn ed25519() -> Self {
            let key = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
            Self { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(key.as_ref()) }
        }

        fn p256() -> Self {
            let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
            Self { algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(key.unwrap().as_ref()) }
        }

        fn rsa() -> Self {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            // PKCS #8 puts 26 bytes before the PKCS #1 key that is wanted here.
            let key = EncodingKey::from_rsa_der(&key.as_der().unwrap().as_ref()[26..]);
            Self { algorithm: Algorithm::RS256, key }
        }

        fn keys(&self) -> JwkSet {
            let mut key = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
            key.common.key_id = Some("k1".to_owned());
            JwkSet { keys: vec![key] }
        }

        fn sign(&self, claims: &Value) -> String {
            encode(&header(self.algorithm), claims, &self.key).unwrap()
        }
    }

    fn header(algorithm: Algorithm) -> Header {
        Header { kid: Some("k1".to_owned()), ..Header::new(algorithm) }
    }

    fn authorizer() -> JwtAuthorizer {
        JwtAuthorizer {
            issuer: "https://m.example".to_owned(),
            audience: vec!["a".to_owned(), "b".to_owned()],
        }
    }

    fn claims() -> Value {
        json!({ "iss": "https://m.example", "aud": "b", "sub": "rita", "exp": NOW + 60 })
    }

    fn ask(keys: &JwkSet, token: &str) -> Result<Map<String, Value>, Refused> {
        authorize(&authorizer(), Some(token), keys, Moment::from_unix(NOW).unwrap())
    }

    #[test]
    fn a_good_token_of_each_kind_of_key_is_let_in_with_its_claims_as_texts() {
        for signer in [Signer::rsa(), Signer::p256(), Signer::ed25519()] {
            let mut claims = claims();
            claims["groups"] = json!(["x", "y"]);
            claims["admin"] = json!(true);
            let token = signer.sign(&claims);
            for sent in [token.clone(), format!("Bearer {token}"), format!("bearer {token}")] {
                let found = ask(&signer.keys(), &sent).unwrap();
                let expected = json!({
                    "iss": "https://m.example", "aud": "b", "sub": "rita", "exp": "1790000060", "groups": "[x y]", "admin": "true",
                });
                assert_eq!(Value::Object(found), expected);
            }
        }
    }

    #[test]
    fn claims_are_checked_as_configured() {
        let signer = Signer::ed25519();
        let keys = signer.keys();
        for (name, value, expected) in [
            ("iss", json!("https://other.example"), Some(Refused::WrongIssuer)),
            ("iss", json!("https://m.example/"), Some(Refused::WrongIssuer)),
            ("iss", Value::Null, Some(Refused::WrongIssuer)),
            ("aud", json!("c"), Some(Refused::WrongAudience)),
            ("aud", json!(["c", "d"]), Some(Refused::WrongAudience)),
            ("aud", json!(["c", "a"]), None),
            ("exp", json!(NOW), Some(Refused::Expired)),
            ("exp", json!(NOW - 1), Some(Refused::Expired)),
            ("exp", json!("1790000060"), Some(Refused::Expired)),
            ("exp", json!(NOW + 1), None),
            ("nbf", json!(NOW + 1), Some(Refused::NotYet)),
            ("nbf", json!(NOW), None),
            ("iat", json!(NOW + 1), Some(Refused::NotYet)),
            ("iat", json!(NOW - 1), None),
        ] {
            let mut claims = claims();
            claims[name] = value.clone();
            assert_eq!(ask(&keys, &signer.sign(&claims)).err(), expected, "{name}: {value}");
        }
        for (name, expected) in
            [("iss", Refused::WrongIssuer), ("aud", Refused::WrongAudience), ("exp", Refused::Expired)]
        {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(ask(&keys, &signer.sign(&claims)).err(), Some(expected), "without {name}");
        }
        let mut by_client = claims();
        by_client["client_id"] = json!("a");
        assert!(ask(&keys, &signer.sign(&by_client)).is_ok());
        by_client["aud"] = json!("c");
        assert_eq!(
            ask(&keys, &signer.sign(&by_client)).err(),
            Some(Refused::WrongAudience),
            "aud comes first"
        );
        by_client.as_object_mut().unwrap().remove("aud");
        assert!(ask(&keys, &signer.sign(&by_client)).is_ok());
    }

    #[test]
    fn a_token_that_is_not_signed_by_a_known_key_is_refused() {
        let (signer, stranger) = (Signer::p256(), Signer::p256());
        let keys = signer.keys();
        assert_eq!(ask(&keys, &stranger.sign(&claims())).err(), Some(Refused::WrongSignature));
        assert_eq!(
            ask(&JwkSet { keys: Vec::new() }, &signer.sign(&claims())).err(),
            Some(Refused::UnknownKey)
        );
        let nameless = encode(&Header::new(Algorithm::ES256), &claims(), &signer.key).unwrap();
        assert_eq!(ask(&keys, &nameless).err(), Some(Refused::UnknownKey));

        let token = signer.sign(&claims());
        let [head, body, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let other = URL_SAFE_NO_PAD.encode(json!({ "sub": "otto" }).to_string());
        for (changed, expected) in [
            (format!("{head}.{other}.{signature}"), Refused::WrongSignature),
            (format!("{head}.{body}."), Refused::WrongSignature),
            (format!("{head}.{body}"), Refused::Unreadable),
            ("x".to_owned(), Refused::Unreadable),
            ("Basic cml0YTpy".to_owned(), Refused::Unreadable),
            ("Bearer ".to_owned(), Refused::NoToken),
            (String::new(), Refused::NoToken),
        ] {
            assert_eq!(ask(&keys, &changed).err(), Some(expected), "{changed}");
        }
        let now = Moment::from_unix(NOW).unwrap();
        assert_eq!(authorize(&authorizer(), None, &keys, now).err(), Some(Refused::NoToken));
    }

    #[test]
    fn neither_no_algorithm_nor_another_than_the_keys_gets_by() {
        let signer = Signer::p256();
        let keys = signer.keys();
        let body = URL_SAFE_NO_PAD.encode(claims().to_string());
        for none in ["none", "None", "NONE"] {
            let head = URL_SAFE_NO_PAD.encode(json!({ "alg": none, "typ": "JWT", "kid": "k1" }).to_string());
            assert_eq!(ask(&keys, &format!("{head}.{body}.")).err(), Some(Refused::Unreadable));
        }
        // The public key as everybody has it, taken for a shared secret.
        let public = serde_json::to_string(&keys.keys[0]).unwrap();
        let point = match &keys.keys[0].algorithm {
            AlgorithmParameters::EllipticCurve(curve) => URL_SAFE_NO_PAD.decode(&curve.x).unwrap(),
            other => panic!("{other:?}"),
        };
        for secret in [public.as_bytes(), &point] {
            let forged =
                encode(&header(Algorithm::HS256), &claims(), &EncodingKey::from_secret(secret)).unwrap();
            assert_eq!(ask(&keys, &forged).err(), Some(Refused::WrongAlgorithm));
        }
        let shared =
            json!({ "keys": [{ "kty": "oct", "kid": "k1", "k": URL_SAFE_NO_PAD.encode("secret") }] });
        let shared: JwkSet = serde_json::from_value(shared).unwrap();
        let signed =
            encode(&header(Algorithm::HS256), &claims(), &EncodingKey::from_secret(b"secret")).unwrap();
        assert_eq!(ask(&shared, &signed).err(), Some(Refused::WrongAlgorithm));
    }

    #[test]
    fn the_answer_is_api_gateways() {
        let response = Refused::WrongAudience.into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        let expected = "Bearer scope=\"\" error=\"invalid_token\" error_description=\"the token does not have a valid audience\"";
        assert_eq!(challenge, expected);
        assert_eq!(Refused::NoToken.into_response().headers()["www-authenticate"], "Bearer");
    }
}
