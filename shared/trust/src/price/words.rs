//! What a position says, in words.

use super::{
    offer::{Amount, Missing},
    place::{Position, Silence, Standing, Verdict},
    rates::{MILLION, minor_digits},
};

/// The answer in a line, such as `about 15 % below market (8-27 %)`.
pub fn said(position: &Position) -> String {
    let Standing { difference, verdict, .. } = &position.standing;
    let whole = |of: super::Hundredths| libm::round(of.percent().abs()) as u64;
    let at = whole(difference.at);
    match verdict {
        Verdict::Below if at > 0 => {
            format!("about {at} % below market ({}-{} %)", whole(difference.high), whole(difference.low))
        }
        Verdict::Above if at > 0 => {
            format!("about {at} % above market ({}-{} %)", whole(difference.low), whole(difference.high))
        }
        _ => format!("in line with market ({})", range(&position.standing)),
    }
}

/// Between which the difference lies, each end with its side.
pub fn range(standing: &Standing) -> String {
    let end = |of: super::Hundredths| {
        let percent = libm::round(of.percent().abs()) as u64;
        format!("{percent} % {}", if of.0 < 0 { "below" } else { "above" })
    };
    format!("{} to {}", end(standing.difference.low), end(standing.difference.high))
}

/// Why there is no answer.
pub fn why_not(silence: &Silence) -> String {
    match silence {
        Silence::Incomplete(missing) => {
            let said: Vec<&str> = missing
                .iter()
                .map(|what| match what {
                    Missing::Price => "what it costs",
                    Missing::Class => "what kind of machine it is",
                    Missing::Vcpus => "how many CPUs it has",
                    Missing::Memory => "how much memory it has",
                })
                .collect();
            format!("the offering does not say {}", said.join(", "))
        }
        Silence::NoRate(currency) => format!("there is no exchange rate for {}", String::from(*currency)),
        Silence::NotSound => "its price or its figures are those of no machine".to_owned(),
        Silence::TooFew { providers, peers, .. } => {
            let plural =
                |count: &u32, of: &str| format!("{count} {of}{}", if *count == 1 { "" } else { "s" });
            format!(
                "not enough comparable offers ({} of {})",
                plural(peers, "offer"),
                plural(providers, "provider")
            )
        }
    }
}

/// An amount with its currency, in its minor units, rounded to the nearest.
pub fn amount(amount: Amount) -> String {
    let digits = minor_digits(amount.currency);
    let a_minor = MILLION / 10_u64.pow(digits);
    let minor = amount.millionths / a_minor + u64::from(amount.millionths % a_minor >= a_minor.div_ceil(2));
    let (whole, part) = (minor / 10_u64.pow(digits), minor % 10_u64.pow(digits));
    let code = String::from(amount.currency);
    if digits == 0 {
        return format!("{whole} {code}");
    }
    format!("{whole}.{part:0width$} {code}", width = digits as usize)
}
