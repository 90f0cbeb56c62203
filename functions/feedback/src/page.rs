//! The pages: two questions, and what became of them. No script; a keyboard, a screen reader and a small screen will do.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use trust::{
    feedback::{Answer, Answers, Question},
    time::Moment,
};

use crate::{
    form::{self, Fault, Incomplete, QUESTIONS},
    state::{Asked, State},
};

const STYLES: &str = include_str!("styles.css");

/// The page of a survey as it stands.
pub(crate) fn of(asked: &Asked, state: &State) -> Markup {
    match *state {
        State::Open { until } => frame(
            "How was it?",
            &html! {
                h1 { "How was it?" }
                p { (about("It is", asked)) " Two questions, yes or no." }
                (questions(&[], &[], "Send answers"))
                p.soft { "You can answer until " (moment(until)) "." }
                (what_happens())
            },
        ),
        State::Changeable { answers, until } => frame(
            "Thank you",
            &html! {
                h1 { "Thank you" }
                p { "Your answers are kept. " (about("They are", asked)) }
                (said(answers))
                h2 { "Changed your mind?" }
                p { "You can change your answers until " (moment(until)) ". After that they are final." }
                (questions(&answers.each(), &[], "Change answers"))
                (what_happens())
            },
        ),
        State::Final { answers } => frame(
            "Your answers are final",
            &html! {
                h1 { "Your answers are final" }
                p { (about("They are", asked)) }
                @if let Some(answers) = answers { (said(answers)) }
                (what_happens())
            },
        ),
    }
}

/// The questions once more, with what is wrong with the answers.
pub(crate) fn again(asked: &Asked, incomplete: &Incomplete) -> Markup {
    frame(
        "Error: an answer is missing",
        &html! {
            div.errors role="alert" aria-labelledby="errors" {
                h2 #errors { "An answer is missing" }
                ul {
                    @for fault in &incomplete.faults {
                        li { a href={ "#" (id(fault.question, Answer::Yes)) } { (text(fault.question)) " " (fault.wrong.text()) "." } }
                    }
                }
            }
            h1 { "How was it?" }
            p { (about("It is", asked)) " Both questions need an answer." }
            (questions(&incomplete.given, &incomplete.faults, "Send answers"))
            (what_happens())
        },
    )
}

pub(crate) fn no_link() -> Markup {
    message(
        "This link does not work",
        "It may have been cut off on its way. Open it once more from the marketplace.",
    )
}

pub(crate) fn closed(at: Moment) -> Markup {
    frame(
        "This survey is closed",
        &html! {
            h1 { "This survey is closed" }
            p { "It could be answered until " (moment(at)) "." }
        },
    )
}

pub(crate) fn not_ended() -> Markup {
    message(
        "Your contract goes on",
        "You will be asked again when it has ended. Until then there is nothing to answer.",
    )
}

pub(crate) fn too_late(why: &str) -> Markup {
    frame(
        "Your answers are final",
        &html! {
            h1 { "Your answers are final" }
            p { "Nothing was changed: " (why) "." }
        },
    )
}

pub(crate) fn unavailable() -> Markup {
    message(
        "Please try again",
        "Something of ours could not be reached. Please try again in a moment: answers that are sent twice count once.",
    )
}

fn message(title: &str, body: &str) -> Markup {
    frame(title, &html! { h1 { (title) } p { (body) } })
}

fn about(what: &str, asked: &Asked) -> Markup {
    let name = asked.name.as_deref().unwrap_or(asked.provider.as_str());
    html! { (what) " about your contract " strong { (asked.contract_id()) } " with " strong { (name) } "." }
}

/// The form. It has no address: it comes back to where it was opened.
fn questions(given: &[(Question, Answer)], faults: &[Fault], send: &str) -> Markup {
    html! {
        form method="post" {
            @for question in QUESTIONS {
                @let fault = faults.iter().find(|fault| fault.question == question);
                @let error = format!("{}-error", form::name(question));
                fieldset class=[fault.map(|_| "faulty")] aria-describedby=[fault.map(|_| error.as_str())] {
                    legend { (text(question)) }
                    @if let Some(fault) = fault {
                        p.error id=(error) { strong { "Error: " } (fault.wrong.text()) "." }
                    }
                    @for answer in [Answer::Yes, Answer::No] {
                        @let chosen = given.contains(&(question, answer));
                        div.choice {
                            input type="radio" id=(id(question, answer)) name=(form::name(question)) value=(form::value(answer))
                                checked[chosen];
                            label for=(id(question, answer)) { (word(answer)) }
                        }
                    }
                }
            }
            button type="submit" { (send) }
        }
    }
}

fn said(answers: Answers) -> Markup {
    html! {
        dl {
            @for (question, answer) in answers.each() {
                dt { (text(question)) }
                dd { (word(answer)) }
            }
        }
    }
}

fn what_happens() -> Markup {
    html! {
        section aria-labelledby="what-happens" {
            h2 #what-happens { "What happens with it" }
            p {
                "Your answers are counted together with those of others, from the Monday after they are final. Your name is not shown, but "
                "where few answer, the provider may guess who did. You answer once, and can change your mind for 24 hours."
            }
        }
    }
}

fn text(question: Question) -> &'static str {
    match question {
        Question::MatchedDescription => "Did the service match its description?",
        Question::RentAgain => "Would you rent from this provider again?",
    }
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "Yes",
        Answer::No => "No",
    }
}

fn id(question: Question, answer: Answer) -> String {
    format!("{}-{}", form::name(question), form::value(answer))
}

fn moment(at: Moment) -> Markup {
    let text = at.to_string();
    let shown = text.get(..16).map(|minutes| format!("{} UTC", minutes.replace('T', " ")));
    html! { time datetime=(text) { (shown.as_deref().unwrap_or(&text)) } }
}

fn frame(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex, nofollow";
                meta name="referrer" content="no-referrer";
                title { (title) " · Provider Trust" }
                style { (PreEscaped(STYLES)) }
            }
            body {
                header { "Provider Trust" }
                main { (body) }
            }
        }
    }
}
