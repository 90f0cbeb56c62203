//! What a template says of its HTTP API, for the routes of its functions.

use std::collections::BTreeMap;

use local_stack::{
    template::read,
    wiring::{Cors, JwtAuthorizer},
};

/// A function before its API, with a route that wants a token and one that does not.
const SMALL: &str = r#"
Parameters:
  Issuer: { Type: String, Default: "https://m.example" }
Resources:
  Work:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: work } }
    Properties:
      Events:
        Closed: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: /closed, Auth: { Authorizer: Users } } }
        Open: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: /open } }
        Apart: { Type: HttpApi, Properties: { Method: get, Path: /apart } }
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        Authorizers:
          Users:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: { issuer: !Ref Issuer, audience: [a, b] }
      CorsConfiguration:
        AllowOrigins: ["*"]
        AllowMethods: [GET]
        AllowHeaders: [authorization]
        MaxAge: 600
"#;

#[test]
fn routes_know_whose_tokens_they_want_and_which_pages_may_use_them() {
    let wiring = read(SMALL, &BTreeMap::new()).unwrap();
    let route = |path: &str| wiring.routes.iter().find(|route| route.path == path).unwrap();
    let users = JwtAuthorizer {
        issuer: "https://m.example".to_owned(),
        audience: vec!["a".to_owned(), "b".to_owned()],
    };
    let cors = Cors {
        origins: vec!["*".to_owned()],
        methods: vec!["GET".to_owned()],
        headers: vec!["authorization".to_owned()],
        exposed: Vec::new(),
        max_age: Some(600),
    };
    for (path, authorizer, cors) in
        [("/closed", Some(&users), Some(&cors)), ("/open", None, Some(&cors)), ("/apart", None, None)]
    {
        let route = route(path);
        assert_eq!((route.authorizer.as_ref(), route.cors.as_ref()), (authorizer, cors), "{path}");
    }
}

#[test]
fn what_an_api_can_not_have_here_is_refused_at_its_line() {
    for (from, to, expected) in [
        ("Authorizer: Users", "Authorizer: Others", "the API has no authorizer Others"),
        ("Authorizer: Users", "Authorizer: NONE", "the API has no authorizer NONE"),
        (
            "Authorizer: Users",
            "Authorizer: Users, AuthorizationScopes: [x]",
            "the local stack does not know Authori",
        ),
        ("/closed, Auth: { Authorizer: Users }", "/closed, Auth: none", "a map is expected here"),
        (
            "Method: get, Path: /apart",
            "Method: get, Path: /apart, Auth: { Authorizer: Users }",
            "the API has no",
        ),
        (
            "Method: get, Path: /apart",
            "ApiId: other, Method: get, Path: /apart",
            "no HttpApi of this template is",
        ),
        (
            "        Authorizers:",
            "        DefaultAuthorizer: Users\n        Authorizers:",
            "the local stack does not kno",
        ),
        (
            "$request.header.Authorization",
            "$request.querystring.token",
            "the local stack looks for tokens in",
        ),
        (
            "IdentitySource: $request.header.Authorization",
            "AuthorizationScopes: [x]",
            "the local stack does not kno",
        ),
        ("JwtConfiguration: {", "FunctionArn: x, JwtConfiguration: {", "mapping values are not allowed"),
        ("issuer: !Ref Issuer, ", "", "issuer is missing"),
        ("audience: [a, b]", "audience: a", "a list is expected here"),
        ("MaxAge: 600", "MaxAge: long", "a whole number is expected here"),
        ("MaxAge: 600", "AllowCredentials: true", "the local stack does not know AllowCredentials here"),
        ("AllowOrigins: [\"*\"]", "AllowOrigins: \"*\"", "a list is expected here"),
        (
            "      CorsConfiguration:",
            "      StageName: v2\n      CorsConfiguration:",
            "the local stack does not know Sta",
        ),
    ] {
        let at = SMALL.find(from).unwrap_or_else(|| panic!("{from} is not in the template"));
        let line = 1 + SMALL[..at].matches('\n').count();
        let broken = format!("{}{to}{}", &SMALL[..at], &SMALL[at + from.len()..]);
        let error = read(&broken, &BTreeMap::new()).expect_err(to);
        assert!(error.what.starts_with(expected), "{from} -> {to}: {error}");
        assert_eq!(error.line, line, "{from} -> {to}: {error}");
    }
}
