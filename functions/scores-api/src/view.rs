//! What programs see: integers of the domain become the API's numbers. The types are the answers' schemas, too: the OpenAPI document is
//! made from them.

mod advice;
pub(crate) mod claims;
mod contracts;
pub(crate) mod feedback;
pub(crate) mod figures;
pub(crate) mod price;
pub(crate) mod provider;
pub(crate) mod replies;
pub(crate) mod scalar;
pub(crate) mod score;
pub(crate) mod sites;
pub(crate) mod sources;
pub(crate) mod uptime;

use trust::{
    ratio::Ratio,
    summary::{Against, Flag, Track},
};

use crate::page::words;

pub(crate) use advice::{advice, costliest, said};

/// Why there is no score.
pub(crate) fn reason(track: Track) -> Option<&'static str> {
    (track == Track::New).then_some("no completed contract yet, and less than 7 days of measured uptime")
}

/// What a flag says, in words.
pub(crate) fn flag_text(flag: &Flag) -> String {
    use trust::summary::Concern;
    let Ratio { count, of } = flag.evidence;
    match flag.concern {
        Concern::Silent => {
            format!(
                "{count} of {of} open messages in contracts have had no answer for over 24 hours, or what the contract sets"
            )
        }
        Concern::ProvisioningFailures => format!("{count} of {of} services were never handed over"),
        Concern::ProviderCancellations => format!("{count} of {of} contracts were ended by the provider"),
        Concern::NoResponses => format!("{count} of {of} requests got no answer within 7 days"),
        Concern::Rejections => format!("{count} of {of} requests were declined"),
        Concern::BadDays => {
            format!("services were down for much of {count} of the last {of} days that were watched")
        }
        Concern::CancellationsRising => {
            format!("the provider ended {count} of {of} contracts in the last 30 days, more than he used to")
        }
        Concern::ClaimsContradicted => {
            format!("{count} of {of} machines that renters measured are not what was claimed")
        }
        Concern::OneRenter => format!("{count} of {of} contracts are with one renter"),
        Concern::FeedbackFarFromMeasured => {
            let yes = format!("{count} of {of} answers of renters are yes");
            match flag.against {
                Some(Against::Measured(mean)) => {
                    let measured = words::percent(mean.value());
                    format!("{yes}, while what was measured of uptime and replies comes to {measured}")
                }
                _ => format!("{yes}, which is far from what was measured"),
            }
        }
        Concern::SiblingFlagged => {
            format!("{count} of {of} other providers of the same operator have warnings")
        }
        Concern::FeedbackBurst => {
            let before = of - count.min(of);
            match flag.against {
                Some(Against::Weeks(weeks)) => {
                    format!(
                        "{count} surveys were answered in one week, and {before} in the {weeks} weeks before it"
                    )
                }
                _ => {
                    format!("{count} surveys were answered in one week, and {before} in the weeks before it")
                }
            }
        }
    }
}
