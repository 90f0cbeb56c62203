//! The slots of a day as text: runs of equal ones, each a length and a letter.

use std::fmt::Write;

use crate::uptime::slot::{Gap, Reason, Seen, Slot};

/// What was seen, and the letter for it.
const LETTERS: [(char, Seen); 12] = [
    ('u', Seen::Up),
    ('n', Seen::Down(Reason::Dns)),
    ('r', Seen::Down(Reason::Refused)),
    ('t', Seen::Down(Reason::Timeout)),
    ('l', Seen::Down(Reason::Tls)),
    ('s', Seen::Down(Reason::Status)),
    ('b', Seen::Down(Reason::Body)),
    ('g', Seen::Unknown(Gap::Silent)),
    ('a', Seen::Unknown(Gap::Late)),
    ('f', Seen::Unknown(Gap::Fault)),
    ('c', Seen::Unknown(Gap::Unconfirmed)),
    ('d', Seen::Unknown(Gap::Disputed)),
];

fn letter(slot: Option<Slot>) -> char {
    let Some(slot) = slot else { return '.' };
    let seen = slot.raw();
    // Exhaustive by a test; the match of names would be this table again.
    let lower = LETTERS.iter().find(|(_, known)| *known == seen).map_or('?', |(letter, _)| *letter);
    if matches!(slot, Slot::Maintenance(_)) { lower.to_ascii_uppercase() } else { lower }
}

fn slot(letter: char) -> Result<Option<Slot>, UnknownLetter> {
    if letter == '.' {
        return Ok(None);
    }
    let known = LETTERS.iter().find(|(known, _)| *known == letter.to_ascii_lowercase());
    let (_, seen) = *known.ok_or(UnknownLetter)?;
    Ok(Some(if letter.is_ascii_uppercase() { Slot::Maintenance(seen) } else { seen.into() }))
}

/// A letter that stands for nothing.
#[derive(Debug, PartialEq, Eq)]
struct UnknownLetter;

/// Writes slots.
pub(super) fn write(slots: &[Option<Slot>]) -> String {
    let mut text = String::new();
    for run in slots.chunk_by(|one, other| one == other) {
        if run.len() > 1 {
            // Writing to a string does not fail.
            let _ = write!(text, "{}", run.len());
        }
        text.extend(run.first().map(|&slot| letter(slot)));
    }
    text
}

/// Reads this many slots. Lengths written otherwise than by [`write`] may pass: the caller compares.
pub(super) fn read(text: &str, count: usize) -> Option<Vec<Option<Slot>>> {
    let mut slots = Vec::with_capacity(count);
    let mut length: Option<usize> = None;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            length = Some(length.unwrap_or(0).checked_mul(10)?.checked_add(digit as usize)?);
            continue;
        }
        let end = slots.len().checked_add(length.take().unwrap_or(1))?;
        if end > count {
            return None;
        }
        slots.resize(end, slot(character).ok()?);
    }
    (length.is_none() && slots.len() == count).then_some(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_has_a_letter_of_its_own() {
        let seen = [Seen::Up]
            .into_iter()
            .chain(Reason::ALL.map(Seen::Down))
            .chain(Gap::ALL.map(Seen::Unknown))
            .collect::<Vec<_>>();
        assert_eq!(LETTERS.map(|(_, seen)| seen).to_vec(), seen);
        for seen in seen {
            for known in [Slot::from(seen), Slot::Maintenance(seen)] {
                assert_eq!(slot(letter(Some(known))), Ok(Some(known)));
            }
        }
        assert_eq!(slot(letter(None)), Ok(None));
        assert_eq!(slot('?'), Err(UnknownLetter));
    }

    #[test]
    fn runs_are_as_long_as_they_can_be_and_a_run_of_one_has_no_length() {
        let up = Some(Slot::Up);
        let work = Some(Slot::Maintenance(Seen::Down(Reason::Timeout)));
        assert_eq!(write(&[up, up, work, None, None, None, up]), "2uT3.u");
        assert_eq!(read("2uT3.u", 7), Some(vec![up, up, work, None, None, None, up]));
        for (refused, count) in
            [("2u", 3), ("4u", 3), ("u2", 3), ("99999999999999999999999u", 3), ("3x", 3), ("é", 1), ("", 1)]
        {
            assert_eq!(read(refused, count), None, "{refused:?}");
        }
    }
}
