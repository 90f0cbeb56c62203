use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;

use super::*;
use crate::{key::PublicKey, note::NoteError};

// Made by another implementation, `aics-tlog` 0.2.1, with the seeds `[1; 32]` for the log and `[9; 32]` for the witness.
const LOG: &str = "log.example/uptime+b4dd461e+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
const WITNESS: &str = "witness.example/w1+24b5d9fe+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
const CHECKPOINT: &str = "log.example/uptime\n1\nAippeebat6pa5MPl5F9+l3ESp+Y1k4INvsHsc4ok+Tw=\n\n\
                          — log.example/uptime tN1GHgC+P0Q+YtASE/MR3CPLkcIeAthkH54B5/KnI9+/HNq6BjQ4FNvlt605qbULY1OM+xRhmpLiQxf0+az8U5GolgI=\n";
const COSIGNATURE: &str = "— witness.example/w1 JLXZ/gAAAABpUkfA4W2YxuLopUIkQ44OqwIaHPKwfHtBhCr7ldtiNTqPKYiMn/a0FBppTQqPXDD5ECe+agyJbOimxbE2sQycbeGmBw==\n";
const AT: i64 = 1_767_000_000;

fn open(note: &str) -> Published {
    Published::open(note, &[LOG.parse().unwrap()]).unwrap()
}

fn witness() -> WitnessKey {
    WITNESS.parse().unwrap()
}

fn missing() -> NotCosigned {
    NotCosigned::Missing(WITNESS.to_owned())
}

fn wrong() -> NotCosigned {
    NotCosigned::Wrong(WITNESS.to_owned())
}

/// A cosignature as the specification puts it together.
fn cosignature(text: &str, seconds: u64) -> String {
    let signed = format!("cosignature/v1\ntime {seconds}\n{text}");
    let signature = SigningKey::from_bytes(&[9; 32]).sign(signed.as_bytes()).to_bytes();
    let bytes = [&witness().id()[..], &seconds.to_be_bytes(), &signature].concat();
    format!("— witness.example/w1 {}\n", STANDARD.encode(bytes))
}

fn text() -> &'static str {
    CHECKPOINT.split_inclusive("\n\n").next().unwrap().strip_suffix('\n').unwrap()
}

#[test]
fn a_cosignature_of_another_implementation_is_one_and_has_its_time() {
    assert_eq!(cosignature(text(), AT as u64), COSIGNATURE);
    let cosigned = open(&format!("{CHECKPOINT}{COSIGNATURE}"));
    assert_eq!(cosigned.cosigned(&witness()), Ok(Moment::from_unix(AT).unwrap()));
    assert_eq!(open(CHECKPOINT).with_cosignature(&witness(), COSIGNATURE), Ok(cosigned));
}

#[test]
fn a_witness_is_written_with_its_own_kind_of_key() {
    let bytes = SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
    let key = WitnessKey::from_bytes("witness.example/w1".parse().unwrap(), &bytes).unwrap();
    assert_eq!((key.to_string(), key), (WITNESS.to_owned(), witness()));
    assert_eq!(LOG.parse::<WitnessKey>(), Err(InvalidKey::NotCosigning));
    assert_eq!(WITNESS.parse::<PublicKey>(), Err(InvalidKey::NotEd25519));
    assert_eq!(WITNESS.replace("w1", "w2").parse::<WitnessKey>(), Err(InvalidKey::WrongId));
}

#[test]
fn only_what_this_witness_has_signed_of_this_checkpoint_counts() {
    let checkpoint = open(CHECKPOINT);
    let other_text = text().replace("\n1\n", "\n2\n");
    let (fits, late) = (cosignature(text(), 5), cosignature(text(), 7));
    let plain = SigningKey::from_bytes(&[9; 32]).sign(text().as_bytes()).to_bytes();
    let line = |rest: &[u8]| {
        format!("— witness.example/w1 {}\n", STANDARD.encode([&witness().id()[..], rest].concat()))
    };
    let far = cosignature(text(), 253_402_300_800);
    let swapped = {
        let bytes = STANDARD.decode(fits.trim_end().rsplit(' ').next().unwrap()).unwrap();
        line(&[&7_u64.to_be_bytes()[..], &bytes[12..]].concat())
    };
    let at = |seconds| Ok(Moment::from_unix(seconds).unwrap());
    for (lines, expected) in [
        (String::new(), Err(missing())),
        (fits.clone(), at(5)),
        (format!("{late}{fits}"), at(7)),
        (format!("{fits}{late}"), at(7)),
        (cosignature(text(), 0), at(0)),
        (cosignature(&other_text, 5), Err(wrong())),
        (format!("{fits}{}", cosignature(&other_text, 5)), Err(wrong())),
        (swapped, Err(wrong())),
        (line(&plain), Err(wrong())),
        (line(&[&5_u64.to_be_bytes()[..], &plain].concat()), Err(wrong())),
        (line(&[0; 7]), Err(wrong())),
        // After the year 9999, and more than fits.
        (far, Err(wrong())),
        (cosignature(text(), u64::MAX), Err(wrong())),
        (fits.replace("witness.example/w1", "witness.example/w2"), Err(missing())),
    ] {
        let note = format!("{CHECKPOINT}{lines}");
        assert_eq!(open(&note).cosigned(&witness()), expected, "{lines}");
        if !lines.is_empty() {
            let taken = checkpoint.with_cosignature(&witness(), &lines);
            assert_eq!(taken.and_then(|taken| taken.cosigned(&witness())), expected, "{lines}");
        }
    }
}

#[test]
fn of_an_answer_only_the_latest_cosignature_of_the_asked_witness_is_taken() {
    let (fits, late) = (cosignature(text(), 5), cosignature(text(), 7));
    let strange = "— witness.example/w9 AAAAAAAAAAAA\n";
    let taken = open(CHECKPOINT).with_cosignature(&witness(), &format!("{strange}{fits}{late}{strange}"));
    assert_eq!(taken.unwrap().note(), format!("{CHECKPOINT}{late}"));
}

#[test]
fn an_answer_can_put_nothing_else_into_the_note() {
    let checkpoint = open(CHECKPOINT);
    for answer in [
        "",
        "\n",
        "no signature\n",
        "— witness.example/w1\n",
        COSIGNATURE.trim_end(),
        &format!("{COSIGNATURE}\n"),
        &format!("\n{COSIGNATURE}"),
        &format!("more\n\n{COSIGNATURE}"),
        &format!("{COSIGNATURE}\n{COSIGNATURE}"),
        &COSIGNATURE.replace('\n', "\r\n"),
        &COSIGNATURE.repeat(65),
    ] {
        assert_eq!(
            checkpoint.with_cosignature(&witness(), answer),
            Err(NotCosigned::Malformed),
            "{answer:?}"
        );
    }
    let strange = "— witness.example/w9 AAAAAAAAAAAA\n".repeat(63);
    let full = open(&format!("{CHECKPOINT}{strange}"));
    assert_eq!(full.with_cosignature(&witness(), COSIGNATURE), Err(NotCosigned::Malformed));
}

#[test]
fn a_cosignature_does_not_stand_in_for_the_logs_own_signature() {
    let (text, _) = CHECKPOINT.split_once("\n\n").unwrap();
    let unsigned = format!("{text}\n\n{COSIGNATURE}");
    let opened = Published::open(&unsigned, &[LOG.parse().unwrap()]);
    assert_eq!(opened, Err(NoteError::Unsigned("log.example/uptime".to_owned())));
}

proptest! {
    #[test]
    fn no_answer_makes_taking_a_cosignature_panic(answer in r"(?s)(— witness.example/w1 [A-Za-z0-9+/=]{0,120}\n){0,3}|.*") {
        let _ = open(CHECKPOINT).with_cosignature(&witness(), &answer);
    }
}
