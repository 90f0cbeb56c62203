//! Numbers as people read them. Shares and scores are cut, not rounded: 99.96 % is not shown as 100 %. A number and its unit stay on one line.

use trust::{ratio::Ratio, score::NORMAL_90, summary::PercentileFact, time::Moment};

/// A space at which no line ends.
pub(crate) const NBSP: char = '\u{a0}';

/// `2026-11-23 12:05 UTC`.
pub(crate) fn moment(moment: Moment) -> String {
    let written = moment.to_string();
    match (written.get(..10), written.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => written,
    }
}

/// `2 h 5 min`: the two largest units; from ten minutes on no seconds.
pub(crate) fn duration(seconds: u32) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let Some(first) = units.iter().position(|(size, _)| seconds >= *size) else { return format!("0{NBSP}s") };
    let (size, name) = units[first];
    let rest = seconds % size;
    let second = units.get(first + 1).filter(|(size, _)| rest >= *size && (*size > 1 || seconds < 600));
    match second {
        Some((smaller, unit)) => {
            format!("{}{NBSP}{name}{NBSP}{}{NBSP}{unit}", seconds / size, rest / smaller)
        }
        None => format!("{}{NBSP}{name}", seconds / size),
    }
}

/// A percentile: `1 h 10 min`, or that it is longer than any reply so far.
pub(crate) fn percentile(fact: &PercentileFact, n: u64) -> String {
    match fact.seconds {
        Some(seconds) => duration(seconds),
        None if n > 0 => "not reached: too many wait still".to_owned(),
        None => "not enough data".to_owned(),
    }
}

/// Where it may lie: `40 min to 2 h`, open at the top where the curve does not come down that far.
pub(crate) fn range(fact: &PercentileFact) -> Option<String> {
    let low = duration(fact.low?);
    Some(match fact.high {
        Some(high) => format!("{low} to {}", duration(high)),
        None => format!("{low} or longer"),
    })
}

/// `93.4 %`, cut.
pub(crate) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0 + 1e-9).floor() as u64;
    format!("{}.{}{NBSP}%", tenths / 10, tenths % 10)
}

/// The range of a share: `81.2 % to 97.0 %`.
pub(crate) fn share_range(ratio: Ratio) -> Option<String> {
    ratio.interval(NORMAL_90).map(|(low, high)| format!("{} to {}", percent(low), percent(high)))
}

/// `73.4`, cut.
pub(crate) fn points(points: f64) -> String {
    let tenths = (points * 10.0 + 1e-9).floor() as i64;
    format!("{}.{}", tenths / 10, (tenths % 10).abs())
}

/// `+3.2` or `−3.2`.
pub(crate) fn signed(points_: f64) -> String {
    let sign = if points_ < 0.0 { '\u{2212}' } else { '+' };
    format!("{sign}{}", points(points_.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_name_their_two_largest_units() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (599, "9 min 59 s"),
            (3599, "59 min"),
            (7500, "2 h 5 min"),
            (86_400, "1 d"),
            (86_460, "1 d"),
            (200_000, "2 d 7 h"),
        ] {
            assert_eq!(duration(seconds).replace(NBSP, " "), words);
        }
    }

    #[test]
    fn what_is_not_all_is_never_shown_as_all() {
        assert_eq!(percent(0.9999), "99.9\u{a0}%");
        assert_eq!(percent(1.0), "100.0\u{a0}%");
        assert_eq!(points(99.96), "99.9");
        assert_eq!(signed(-3.25), "\u{2212}3.2");
    }
}
