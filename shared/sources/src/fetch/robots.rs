//! What a host's `robots.txt` lets us read (RFC 9309).

mod spelling;

use hyper::header::HeaderMap;
use robotxt::Robots;
use serde::{Deserialize, Serialize};
use trust::time::Moment;
use url::Url;

use super::{ROBOT, body::Body, is_encoded, retry_after};

/// The longest form in which rules are kept, in bytes: an item of the table holds 400 KB. A host with more rules for us than that is
/// asked for nothing, since they can not be kept to.
pub const LONGEST_KEPT: usize = 300 * 1024;

/// How long a host without an answer is believed to have none, in seconds: far shorter than an answer, since nothing is read meanwhile.
const UNREACHABLE_FOR: u32 = 1_800;

/// The longest time between two requests that is kept to, in seconds. A host that asks for more has mistaken the unit more often than
/// not; and rules are kept for a day at most, so that after a longer one nothing but the rules would ever be read.
const LONGEST_DELAY: u32 = 43_200;

/// What a host lets us read, as of when it said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    robots: Robots,
    delay: u32,
    is_reachable: bool,
    /// Seconds after which a host that could not be asked wants to be asked again.
    retry_after: u32,
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

    /// Seconds between two requests that the host asks for, rounded up, half a day at most; 0 where it asks for none.
    pub fn delay(&self) -> u32 {
        self.delay
    }

    /// Whether they may still be gone by, if those of a host that answered are kept for `keep` seconds: in any case until the second
    /// request after them, and those of a host that did not answer at least until it wants to be asked again.
    pub fn are_fresh(&self, keep: u32, now: Moment) -> bool {
        let keep = if self.is_reachable {
            keep.max(self.delay * 2)
        } else {
            keep.min(UNREACHABLE_FOR).max(self.retry_after)
        };
        // Rules from the future are of a clock that was wrong.
        now >= self.read_at && now.since(self.read_at) < keep
    }

    pub(super) fn unreachable(now: Moment) -> Self {
        let robots = Robots::disallow_all();
        Self { robots, delay: 0, is_reachable: false, retry_after: 0, read_at: now }
    }

    pub(super) fn unavailable(now: Moment) -> Self {
        let robots = Robots::allow_all();
        Self { robots, delay: 0, is_reachable: true, retry_after: 0, read_at: now }
    }
}

/// The rules in an answer.
pub(super) fn rules(status: u16, headers: &HeaderMap, body: &Body, now: Moment) -> Rules {
    match status {
        200 if is_encoded(headers) => Rules::unreachable(now),
        200 => {
            let rules = stated(&body.bytes, now);
            let is_kept = serde_json::to_string(&rules).is_ok_and(|kept| kept.len() <= LONGEST_KEPT);
            if is_kept { rules } else { Rules::unreachable(now) }
        }
        // Somebody who asks for fewer requests has not said that all are welcome.
        429 => without_an_answer(headers, now),
        400..500 => Rules::unavailable(now),
        _ => without_an_answer(headers, now),
    }
}

fn without_an_answer(headers: &HeaderMap, now: Moment) -> Rules {
    let retry_after = retry_after::of(headers, now).unwrap_or_default();
    Rules { retry_after, ..Rules::unreachable(now) }
}

fn stated(text: &[u8], now: Moment) -> Rules {
    let text = spelling::agents_by_their_names(text);
    let delay = Robots::parse(&text, ROBOT).crawl_delay().unwrap_or_default();
    let whole = u32::try_from(delay.as_secs()).unwrap_or(u32::MAX);
    let delay = whole.saturating_add(u32::from(delay.subsec_nanos() > 0)).min(LONGEST_DELAY);
    let robots = Robots::parse(&spelling::rules_only(&text), ROBOT);
    Rules { robots, delay, ..Rules::unavailable(now) }
}

#[cfg(test)]
mod tests;
