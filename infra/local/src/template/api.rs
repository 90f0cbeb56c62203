//! HTTP APIs: who may come in by their routes, and from which pages.

use std::collections::BTreeMap;

use super::{TemplateError, node::Node, only};
use crate::wiring::{Cors, JwtAuthorizer};

/// The one place of a token that is known here.
const AUTHORIZATION: &str = "$request.header.Authorization";

/// An API, as far as its routes need it.
#[derive(Debug, Clone, Default)]
pub(super) struct Api {
    authorizers: BTreeMap<String, JwtAuthorizer>,
    pub(super) cors: Option<Cors>,
}

impl Api {
    pub(super) fn read(properties: &Node) -> Result<Self, TemplateError> {
        only(properties, &["Name", "Description", "Tags", "Auth", "CorsConfiguration"])?;
        let mut api =
            Self { cors: properties.get("CorsConfiguration").map(cors).transpose()?, ..Self::default() };
        let Some(auth) = properties.get("Auth") else { return Ok(api) };
        only(auth, &["Authorizers"])?;
        for (name, authorizer) in auth.required("Authorizers")?.map()? {
            api.authorizers.insert(name.clone(), jwt_authorizer(authorizer)?);
        }
        Ok(api)
    }

    /// The authorizer of a route that has this `Auth`.
    pub(super) fn authorizer(&self, auth: &Node) -> Result<JwtAuthorizer, TemplateError> {
        only(auth, &["Authorizer"])?;
        let name = auth.required("Authorizer")?;
        let known = self.authorizers.get(name.text()?);
        known.cloned().ok_or_else(|| {
            name.error(format!("the API has no authorizer {}", name.text().unwrap_or_default()))
        })
    }
}

fn jwt_authorizer(node: &Node) -> Result<JwtAuthorizer, TemplateError> {
    only(node, &["IdentitySource", "JwtConfiguration"])?;
    if let Some(source) = node.get("IdentitySource")
        && source.text()? != AUTHORIZATION
    {
        return Err(source.error(format!("the local stack looks for tokens in {AUTHORIZATION} only")));
    }
    let jwt = node.required("JwtConfiguration")?;
    only(jwt, &["issuer", "audience"])?;
    Ok(JwtAuthorizer {
        issuer: jwt.required("issuer")?.text()?.to_owned(),
        audience: texts(jwt.required("audience")?)?,
    })
}

fn cors(node: &Node) -> Result<Cors, TemplateError> {
    only(node, &["AllowOrigins", "AllowMethods", "AllowHeaders", "ExposeHeaders", "MaxAge"])?;
    let list = |name| node.get(name).map_or_else(|| Ok(Vec::new()), texts);
    Ok(Cors {
        origins: list("AllowOrigins")?,
        methods: list("AllowMethods")?,
        headers: list("AllowHeaders")?,
        exposed: list("ExposeHeaders")?,
        max_age: node.get("MaxAge").map(Node::number).transpose()?,
    })
}

fn texts(node: &Node) -> Result<Vec<String>, TemplateError> {
    node.list()?.iter().map(|item| item.text().map(str::to_owned)).collect()
}
