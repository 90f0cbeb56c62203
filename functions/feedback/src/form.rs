//! What is posted: the answers as a form's fields or as JSON, with the same names.

use serde_json::Value;
use trust::feedback::{Answer, Answers, Question};

/// What is wrong with one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) question: Question,
    pub(crate) wrong: Wrong,
}

/// How it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// There is none.
    Missing,
    /// It is neither yes nor no, or it is both.
    Neither,
}

impl Wrong {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Missing => "Choose yes or no",
            Self::Neither => "The answer is yes or no, and nothing else",
        }
    }
}

/// Why a body has no answers in it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// It is of a kind that is not read here.
    #[error("the body is application/x-www-form-urlencoded or application/json")]
    Type,
    /// It is not JSON, or no object.
    #[error("the body is not a JSON object")]
    Json,
}

pub(crate) const QUESTIONS: [Question; 2] = [Question::MatchedDescription, Question::RentAgain];

/// The name of a question's answer in forms and in JSON.
pub(crate) fn name(question: Question) -> &'static str {
    match question {
        Question::MatchedDescription => "matched_description",
        Question::RentAgain => "rent_again",
    }
}

/// How an answer is written in forms and in JSON.
pub(crate) fn value(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
    }
}

/// Answers of which one at least is missing or wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Incomplete {
    /// What is wrong.
    pub(crate) faults: Vec<Fault>,
    /// What is not.
    pub(crate) given: Vec<(Question, Answer)>,
}

/// The answers in a body, or what is wrong with each.
pub(crate) fn read(content_type: &str, body: &[u8]) -> Result<Result<Answers, Incomplete>, Unread> {
    let is = |kind: &str| content_type.eq_ignore_ascii_case(kind);
    let [matched, again] = if is("application/x-www-form-urlencoded") {
        let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        QUESTIONS.map(|question| {
            let named = fields.iter().filter(|(field, _)| field == name(question));
            one(named.map(|(_, text)| answer(text)))
        })
    } else if is("application/json") {
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return Err(Unread::Json) };
        QUESTIONS.map(|question| {
            let member = members.get(name(question)).filter(|member| !member.is_null());
            one(member.into_iter().map(|member| member.as_str().and_then(answer)))
        })
    } else {
        return Err(Unread::Type);
    };
    if let (Ok(matched_description), Ok(rent_again)) = (matched, again) {
        return Ok(Ok(Answers { matched_description, rent_again }));
    }
    let mut incomplete = Incomplete::default();
    for (question, result) in QUESTIONS.into_iter().zip([matched, again]) {
        match result {
            Ok(answer) => incomplete.given.push((question, answer)),
            Err(wrong) => incomplete.faults.push(Fault { question, wrong }),
        }
    }
    Ok(Err(incomplete))
}

fn answer(text: &str) -> Option<Answer> {
    [Answer::Yes, Answer::No].into_iter().find(|answer| value(*answer) == text)
}

/// The one answer among those given; several are one if they say the same.
fn one(given: impl Iterator<Item = Option<Answer>>) -> Result<Answer, Wrong> {
    let mut found = Err(Wrong::Missing);
    for answer in given {
        let answer = answer.ok_or(Wrong::Neither)?;
        match found {
            Ok(other) if other != answer => return Err(Wrong::Neither),
            _ => found = Ok(answer),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";

    #[test]
    fn a_form_and_json_say_the_same() {
        let said = Answers { matched_description: Answer::Yes, rent_again: Answer::No };
        for (kind, body) in [
            (FORM, "matched_description=yes&rent_again=no"),
            (FORM, "rent_again=no&more=1&matched_description=yes&rent_again=no"),
            ("Application/JSON", r#"{"matched_description": "yes", "rent_again": "no", "more": 1}"#),
        ] {
            assert_eq!(read(kind, body.as_bytes()), Ok(Ok(said)), "{body}");
        }
    }

    #[test]
    fn each_answer_that_is_missing_or_wrong_is_named() {
        use Wrong::{Missing, Neither};
        for (kind, body, matched, again) in [
            (FORM, "", Some(Missing), Some(Missing)),
            (FORM, "matched_description=yes", None, Some(Missing)),
            (FORM, "matched_description=maybe&rent_again=yes", Some(Neither), None),
            (FORM, "matched_description=yes&rent_again=no&rent_again=yes", None, Some(Neither)),
            (FORM, "matched_description=YES&rent_again=%ff", Some(Neither), Some(Neither)),
            (JSON, "{}", Some(Missing), Some(Missing)),
            (JSON, r#"{"matched_description": true, "rent_again": null}"#, Some(Neither), Some(Missing)),
        ] {
            let Incomplete { faults, given } = read(kind, body.as_bytes()).unwrap().unwrap_err();
            assert_eq!(faults.len() + given.len(), 2);
            let of =
                |question| faults.iter().find(|fault| fault.question == question).map(|fault| fault.wrong);
            let found = (of(Question::MatchedDescription), of(Question::RentAgain));
            assert_eq!(found, (matched, again), "{body}");
        }
    }

    #[test]
    fn what_is_neither_is_not_read() {
        assert_eq!(read("text/plain", b"matched_description=yes&rent_again=no"), Err(Unread::Type));
        assert_eq!(read("", b""), Err(Unread::Type));
        for body in ["", "[]", "\"yes\"", "{"] {
            assert_eq!(read(JSON, body.as_bytes()), Err(Unread::Json), "{body}");
        }
    }
}
