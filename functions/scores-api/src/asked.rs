//! What a request asks for: the id in its path, and its parameters, each at most once.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use table::Cursor;

use crate::Refusal;

/// Items a page of a list where the caller does not say.
pub(crate) const LIMIT: u16 = 50;

/// Most items a page.
pub(crate) const MOST: u16 = 100;

/// The id in a path, as it was given.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        // A path that is not Unicode names nothing.
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|_| Refusal::NoSuchPath)
    }
}

/// The parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        Ok(Self(pairs.map(|Query(pairs)| pairs).unwrap_or_default()))
    }
}

impl Parameters {
    /// Refuses those that are not among the known ones, and those given twice: what is not understood must not seem to have worked.
    pub(crate) fn check(&self, known: &[&str]) -> Result<(), Refusal> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let name = name.chars().take(64).collect::<String>();
                let detail = if known.is_empty() {
                    "this path has no parameters".to_owned()
                } else {
                    format!("no parameter of this path; there are: {}", known.join(", "))
                };
                return Err(bad(&name, detail));
            }
            if self.0[..place].iter().any(|(before, _)| before == name) {
                return Err(bad(name, "given twice"));
            }
        }
        Ok(())
    }

    /// Those that a form's empty fields leave out.
    pub(crate) fn filled(mut self) -> Self {
        self.0.retain(|(_, value)| !value.is_empty());
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of a name, as a form's checkboxes give them.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[cfg(test)]
    pub(crate) fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub(crate) fn limit(&self) -> Result<u16, Refusal> {
        let Some(text) = self.get("limit") else { return Ok(LIMIT) };
        let limit = whole(text).filter(|limit| (1..=MOST).contains(limit));
        limit.ok_or_else(|| bad("limit", format!("a whole number from 1 to {MOST}")))
    }

    pub(crate) fn cursor(&self) -> Result<Option<Cursor>, Refusal> {
        let parse = |opaque| Cursor::parse(opaque).map_err(|error| bad("cursor", error.to_string()));
        self.get("cursor").map(parse).transpose()
    }

    /// These parameters with another cursor, as a query.
    pub(crate) fn query_at(&self, cursor: &str) -> String {
        let others = self.0.iter().filter(|(name, _)| name != "cursor");
        let pairs = others.map(|(name, value)| (name.as_str(), value.as_str())).chain([("cursor", cursor)]);
        let pairs: Vec<String> =
            pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        pairs.join("&")
    }
}

pub(crate) fn bad(parameter: &str, cause: impl Into<String>) -> Refusal {
    Refusal::BadParameter { parameter: parameter.to_owned(), cause: cause.into() }
}

/// Digits only: a sign or a space is no whole number here.
pub(crate) fn whole(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Percent-encoded for a query (RFC 3986, unreserved characters stay).
pub(crate) fn encoded(text: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte);
    text.bytes()
        .map(|byte| if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Parameters {
        let uri = format!("/x?{query}").parse().unwrap();
        Parameters(Query::<Vec<(String, String)>>::try_from_uri(&uri).unwrap().0)
    }

    #[test]
    fn what_is_not_known_or_is_said_twice_is_refused_by_its_name() {
        let refused = |query| asked(query).check(&["limit", "q"]).unwrap_err().to_string();
        assert!(refused("limit=1&colour=red").starts_with("colour: "));
        assert_eq!(refused("q=a&limit=1&q=b"), "q: given twice");
        assert!(asked("limit=1&q=").check(&["limit", "q"]).is_ok());
        let refused = asked("days=7").check(&[]).unwrap_err().to_string();
        assert_eq!(refused, "days: this path has no parameters");
    }

    #[test]
    fn the_next_page_keeps_what_was_asked_for() {
        let query = asked("q=%C3%A9&cursor=00&min_replies=0.8").query_at("31");
        assert_eq!(query, "q=%C3%A9&min_replies=0.8&cursor=31");
    }

    #[test]
    fn only_digits_make_a_whole_number() {
        for text in ["+1", " 1", "1.0", "", "65536", "one"] {
            assert_eq!(whole(text), None, "{text}");
        }
        assert_eq!(whole("100"), Some(100));
    }
}
