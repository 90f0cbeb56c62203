//! What goes wrong between a client and the REST API, and what was asked of it.

use std::time::Duration;

use serde_json::Value;

use super::call::Call;

/// Something that goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429, in plain text and without a time to wait.
    TooManyRequests,
    /// 401, as after a token was given up for another: nothing is done.
    Unauthorized,
    /// 500, before anything is done.
    Failure,
    /// 500, after it is done.
    FailureOnceDone,
    /// 502 with a page of the proxy's, before anything is done.
    BadGateway,
    /// No answer, and nothing is done.
    Silence,
    /// No answer, but it is done.
    SilenceOnceDone,
    /// The right answer, late.
    Delay(Duration),
}

/// A request that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its method, in capitals.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The query's parameters, in order.
    pub query: Vec<(String, String)>,
    /// Its body; `null` where there was none.
    pub body: Value,
    /// The status it was answered with; none as long as it was not.
    pub answer: Option<u16>,
}

impl Request {
    pub(super) fn of(call: &Call) -> Self {
        Self {
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            body: call.body.clone(),
            answer: None,
        }
    }

    /// Whether it has this method and a path of this pattern, in which `*` stands for one segment and a last `**` for any rest. `*`
    /// as the method stands for all.
    pub fn matches(&self, method: &str, pattern: &str) -> bool {
        (method == "*" || method == self.method) && path_matches(&self.path, pattern)
    }

    /// The first of the query's parameters with this name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn path_matches(path: &str, pattern: &str) -> bool {
    let mut path = path.trim_matches('/').split('/');
    for expected in pattern.trim_matches('/').split('/') {
        match (expected, path.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (expected, Some(segment)) if expected == segment => {}
            _ => return false,
        }
    }
    path.next().is_none()
}

/// The faults that are to come.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    method: String,
    pattern: String,
    fault: Fault,
    left: usize,
}

impl Faults {
    pub(super) fn plan(&mut self, method: &str, pattern: &str, fault: Fault, times: usize) {
        let (method, pattern) = (method.to_owned(), pattern.to_owned());
        self.0.push(Rule { method, pattern, fault, left: times });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What goes wrong with this request: the oldest plan that fits and is not used up.
    pub(super) fn strike(&mut self, request: &Request) -> Option<Fault> {
        let rule =
            self.0.iter_mut().find(|rule| rule.left > 0 && request.matches(&rule.method, &rule.pattern))?;
        rule.left -= 1;
        Some(rule.fault)
    }
}
