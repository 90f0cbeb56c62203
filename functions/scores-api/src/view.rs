//! What programs see: integers of the domain become the API's numbers. The types are the answers' schemas, too: the OpenAPI document is
//! made from them.

mod contracts;
pub(crate) mod feedback;
pub(crate) mod figures;
pub(crate) mod provider;
pub(crate) mod replies;
pub(crate) mod scalar;
pub(crate) mod score;
pub(crate) mod sources;
pub(crate) mod uptime;

use trust::{
    ratio::Ratio,
    summary::{Flag, ReplyWindow, Summary, Track},
};

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
        Concern::OneRenter => format!("{count} of {of} contracts are with one renter"),
        Concern::FeedbackFarFromMeasured => {
            format!("{count} of {of} answers of renters are yes, which is far from what was measured")
        }
        Concern::SiblingFlagged => {
            format!("{count} of {of} other providers of the same operator have warnings")
        }
        Concern::FeedbackBurst => {
            format!("{count} of the {of} surveys answered in a quarter were answered in one week")
        }
    }
}

/// The shortest window in which messages were answered late or have waited too long, and how many.
fn late_replies(summary: &Summary) -> Option<(&ReplyWindow, u64)> {
    let late = |window: &ReplyWindow| window.prompt.of - window.prompt.count.min(window.prompt.of);
    summary.replies.windows.iter().map(|window| (window, late(window))).find(|(_, late)| *late > 0)
}

/// What the provider could do to raise his score.
pub(crate) fn advice(summary: &Summary) -> Vec<String> {
    let mut advice = Vec::new();
    let waiting = summary.replies.waiting;
    if waiting > 0 {
        let messages =
            if waiting == 1 { "the open message".to_owned() } else { format!("the {waiting} open messages") };
        advice.push(format!("Answer {messages}."));
    }
    if let Some((window, late)) = late_replies(summary) {
        let hours = summary.replies.prompt_within / 3600;
        advice.push(format!(
            "Answer within {hours} hours, whatever is promised: {late} of {} messages in contracts of the last {} days were not.",
            window.prompt.of, window.days
        ));
    }
    let contracts = &summary.contracts;
    if contracts.no_response > 0 {
        advice.push(format!(
            "Answer or decline the {} requests left open for over 7 days.",
            contracts.no_response
        ));
    }
    if contracts.never_delivered > 0 {
        advice
            .push(format!("Hand over the {} services accepted over 7 days ago.", contracts.never_delivered));
    }
    advice
}
