//! `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.

use std::time::UNIX_EPOCH;

use hyper::header::{HeaderMap, RETRY_AFTER};
use trust::time::Moment;

/// The longest wait that is honoured, in seconds. Longer, and a typo would silence a source for good.
const LONGEST: u32 = 30 * 86_400;

/// How many seconds the source asks us to wait; 0 where that has passed, `None` where it does not say or can not be read.
pub(super) fn of(headers: &HeaderMap, now: Moment) -> Option<u32> {
    of_text(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// The same of the header's text.
pub(super) fn of_text(text: &str, now: Moment) -> Option<u32> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().unwrap_or(LONGEST).min(LONGEST));
    }
    let date = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let until = Moment::EPOCH.plus(i64::try_from(date.as_secs()).unwrap_or(i64::MAX));
    Some(until.since(now).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_waits_and_nothing_else_is() {
        let now = Moment::parse("1999-12-31T23:59:00Z").unwrap();
        for (text, wait) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999", Some(LONGEST)),
            // The example of the RFC, and the two obsolete forms that have to be read as well.
            ("Fri, 31 Dec 1999 23:59:59 GMT", Some(59)),
            ("Friday, 31-Dec-99 23:59:59 GMT", Some(59)),
            ("Fri Dec 31 23:59:59 1999", Some(59)),
            ("Fri, 31 Dec 1999 23:58:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(LONGEST)),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("Fri, 31 Feb 1999 23:59:59 GMT", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(of(&headers, now), wait, "{text:?}");
        }
        assert_eq!(of(&HeaderMap::new(), now), None);
    }
}
