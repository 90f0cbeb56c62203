//! What a host's `robots.txt` lets us read (RFC 9309).

use hyper::header::HeaderMap;
use robotxt::{AccessResult, Robots};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trust::time::Moment;
use url::Url;

use super::{ROBOT, body::Body, is_encoded};

/// The longest form in which rules are kept, in bytes: an item of the table holds 400 KB. A host with more rules for us than that is
/// asked for nothing, since they can not be kept to.
pub const LONGEST_KEPT: usize = 300 * 1024;

/// How long a host without an answer is believed to have none, in seconds: far shorter than an answer, since nothing is read meanwhile.
const UNREACHABLE_FOR: u32 = 1_800;

/// What a host lets us read, as of when it said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    robots: Robots,
    is_reachable: bool,
    read_at: Moment,
}

impl Rules {
    /// Whether a page may be read.
    pub fn allow(&self, url: &Url) -> bool {
        self.robots.is_url_allowed(url)
    }

    /// Whether the host could be asked. Where not, nothing is allowed.
    pub fn is_reachable(&self) -> bool {
        self.is_reachable
    }

    /// Seconds between two requests that the host asks for, rounded up; 0 where it asks for none.
    pub fn delay(&self) -> u32 {
        let delay = self.robots.crawl_delay().unwrap_or_default();
        let whole = u32::try_from(delay.as_secs()).unwrap_or(u32::MAX);
        whole.saturating_add(u32::from(delay.subsec_nanos() > 0))
    }

    /// Whether they may still be gone by, if those of a host that answered are kept for `keep` seconds.
    pub fn are_fresh(&self, keep: u32, now: Moment) -> bool {
        let keep = if self.is_reachable { keep } else { keep.min(UNREACHABLE_FOR) };
        // Rules from the future are of a clock that was wrong.
        now >= self.read_at && now.since(self.read_at) < keep
    }

    pub(super) fn unreachable(now: Moment) -> Self {
        Self { robots: Robots::disallow_all(), is_reachable: false, read_at: now }
    }

    pub(super) fn unavailable(now: Moment) -> Self {
        Self { robots: Robots::allow_all(), is_reachable: true, read_at: now }
    }
}

/// The rules in an answer.
pub(super) fn rules(status: u16, headers: &HeaderMap, body: &Body, now: Moment) -> Rules {
    match status {
        200 if is_encoded(headers) => Rules::unreachable(now),
        200 => {
            let robots = Robots::from_access(AccessResult::Successful(&body.bytes), ROBOT);
            let kept: usize = robots.rules().iter().map(|rule| rule.pattern().len() + 32).sum();
            match without_sitemaps(&robots) {
                Ok(robots) if kept <= LONGEST_KEPT => Rules { robots, is_reachable: true, read_at: now },
                _ => Rules::unreachable(now),
            }
        }
        // Somebody who asks for fewer requests has not said that all are welcome.
        429 => Rules::unreachable(now),
        400..500 => Rules::unavailable(now),
        _ => Rules::unreachable(now),
    }
}

/// Sitemaps may be any number, and we read none.
fn without_sitemaps(robots: &Robots) -> serde_json::Result<Robots> {
    let mut kept = serde_json::to_value(robots)?;
    kept["sitemaps"] = Value::Array(Vec::new());
    serde_json::from_value(kept)
}

#[cfg(test)]
mod tests;
