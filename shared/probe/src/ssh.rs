//! An SSH server's introduction (RFC 4253, section 4.2).
//!
//! Before its identification, `SSH-protoversion-softwareversion`, a server may send other lines. Nothing is sent to it: it
//! must not wait for us, and whoever does is none.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::outcome::{Miss, Reason};

/// The longest identification, with its line end (RFC 4253, section 4.2).
const LONGEST_LINE: usize = 255;

/// How much is read before the identification at most, in bytes. The RFC has no limit; less would call servers down that
/// greet with a page of legal text, more would only be read from those that are none.
const LONGEST_GREETING: usize = 16 * 1024;

/// Waits for an identification.
pub(crate) async fn identification(mut stream: impl AsyncRead + Unpin) -> Result<(), Miss> {
    let mut read = Vec::with_capacity(LONGEST_LINE);
    let mut line = 0;
    loop {
        let so_far = read.len();
        if stream.read_buf(&mut read).await.map_err(|error| Reason::from(&error))? == 0 {
            // Cut off, or something else that had its say.
            return Err(if read.is_empty() { Reason::Reset } else { Reason::Protocol }.into());
        }
        // Every byte is looked at once.
        for at in so_far..read.len() {
            if read[at] != b'\n' {
                continue;
            }
            let text = &read[line..=at];
            if text.starts_with(b"SSH-") {
                return if is_identification(text) { Ok(()) } else { Err(Reason::Protocol.into()) };
            }
            line = at + 1;
        }
        if read.len() > LONGEST_GREETING {
            return Err(Reason::Protocol.into());
        }
    }
}

/// Whether a line is an identification of version 2, or of a server that speaks version 2 too (RFC 4253, section 5.1).
fn is_identification(line: &[u8]) -> bool {
    let version = line.strip_prefix(b"SSH-2.0-").or_else(|| line.strip_prefix(b"SSH-1.99-"));
    let software = version.map(<[u8]>::trim_ascii_end);
    line.len() <= LONGEST_LINE
        && software.is_some_and(|text| {
            !text.is_empty() && text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn verdict(said: impl AsyncRead + Unpin) -> Result<(), Miss> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(identification(said))
    }

    /// The rule once more, over all that was said at once.
    fn is_introduced(said: &[u8]) -> bool {
        let ended = said.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        ended
            .map(|line| line.strip_suffix(b"\r\n").unwrap_or(line))
            .find(|line| line.starts_with(b"SSH-"))
            .is_some_and(|line| line.starts_with(b"SSH-2.0-x") || line.starts_with(b"SSH-1.99-x"))
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(
            lines in prop::collection::vec(
                prop::sample::select(vec!["hello\r\n", "\n", "\r", "SSH", "-", "SSH-2.0-x\r\n", "SSH-1.99-x\n", "SSH-1.5-x\n"]),
                0..8,
            ),
            cuts: [prop::sample::Index; 2],
        ) {
            let said = lines.concat().into_bytes();
            let (first, rest) = said.split_at(cuts[0].index(said.len() + 1));
            let (second, third) = rest.split_at(cuts[1].index(rest.len() + 1));
            prop_assert_eq!(verdict(first.chain(second).chain(third)).is_ok(), is_introduced(&said));
        }

        #[test]
        fn any_bytes_are_answered(said: Vec<u8>) {
            prop_assert_eq!(verdict(said.as_slice()).is_ok(), is_introduced(&said));
        }
    }
}
