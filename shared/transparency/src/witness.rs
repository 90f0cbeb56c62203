//! What is said to a witness, and what it answers (C2SP `tlog-witness`, `add-checkpoint`).
//!
//! A witness keeps the last checkpoint it has cosigned of each log it knows. It is told which size that has, and is given the proof
//! that the new one begins with all of it. Where it has another one, it answers 409 with that one's size, and is asked once more.

use std::fmt::Write as _;

use crate::{checkpoint::Published, hash::Hash};

/// Below a witness's submission prefix, where checkpoints are posted.
pub const ADD_CHECKPOINT: &str = "add-checkpoint";

/// The media type of a size, as a witness answers it.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// What is posted: a checkpoint, with the proof (from [`prove_since`](crate::tree::prove_since)) that it extends the one of this size
/// that the witness has cosigned before; 0, and no proof, where it has cosigned none.
pub fn request(old_size: u64, proof: &[Hash], checkpoint: &Published) -> String {
    let mut body = format!("old {old_size}\n");
    for hash in proof {
        // Writing to a string can not fail.
        let _ = writeln!(body, "{hash}");
    }
    body.push('\n');
    body.push_str(checkpoint.note());
    body
}

/// The size of what the witness has cosigned last, if that is what this answer with the status 409 says.
pub fn last_size(media_type: &str, body: &str) -> Option<u64> {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(SIZE_TYPE) {
        return None;
    }
    crate::checkpoint::decimal(body.strip_suffix('\n')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_line_of_its_own_media_type() {
        assert_eq!(last_size("text/x.tlog.size", "20852014\n"), Some(20_852_014));
        assert_eq!(last_size("text/x.tlog.size; charset=utf-8", "0\n"), Some(0));
        for (media_type, body) in [
            ("text/plain", "1\n"),
            ("", "1\n"),
            ("text/x.tlog.size", "1"),
            ("text/x.tlog.size", "01\n"),
            ("text/x.tlog.size", "-1\n"),
            ("text/x.tlog.size", "1\n\n"),
            ("text/x.tlog.size", "18446744073709551616\n"),
        ] {
            assert_eq!(last_size(media_type, body), None, "{media_type} {body:?}");
        }
    }
}
