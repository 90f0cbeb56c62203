//! Reading a body, up to a size.

use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use probe::outcome::{Miss, Reason};

/// What was read of a body.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Whether there is more of it.
    pub(super) is_cut: bool,
}

/// Reads a body to its end, or the first `most` bytes of one that is longer.
pub(super) async fn read(mut body: Incoming, most: usize) -> Result<Body, Miss> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(announced.min(most));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Miss::Down(Reason::from(&error)))?;
        // Trailers are nothing to us.
        let Ok(data) = frame.into_data() else { continue };
        let room = most - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok(Body { bytes, is_cut: true });
        }
    }
    Ok(Body { bytes, is_cut: false })
}
