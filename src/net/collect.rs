//! Reads bodies into memory, up to a limit.

use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::body::{Body, BoxError};

/// Why a body could not be read into memory.
#[derive(Debug)]
pub enum CollectError {
    /// The body is longer than the limit.
    TooLong,
    /// The body broke off.
    Broken(BoxError),
}

/// Reads a whole body of at most `max` bytes. If its length is announced and greater, nothing is read.
///
/// # Errors
/// When the body is longer, or breaks off.
pub async fn collect(body: &mut Body, max: usize) -> Result<Vec<u8>, CollectError> {
    if body.size_hint().lower() > max as u64 {
        return Err(CollectError::TooLong);
    }
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        // Frames without data are trailers, which do not count.
        if let Ok(data) = frame.map_err(CollectError::Broken)?.into_data() {
            if whole.len() + data.len() > max {
                return Err(CollectError::TooLong);
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

/// Reads at most the first `max` bytes of a body and drops the rest. Returns `None` if it breaks off before that.
pub async fn beginning(mut body: Body, max: usize) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            let room = max - start.len();
            start.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() >= room {
                break;
            }
        }
    }
    Some(start)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{CollectError, beginning, collect};
    use crate::net::body;

    fn abc() -> body::Body {
        body::pieces(vec![Bytes::from_static(b"ab"), Bytes::from_static(b"c")])
    }

    #[tokio::test]
    async fn bodies_are_read_up_to_the_limit() {
        assert_eq!(collect(&mut abc(), 3).await.unwrap(), b"abc");
        assert_eq!(collect(&mut body::empty(), 0).await.unwrap(), b"");
        let long = collect(&mut abc(), 2).await;
        assert!(matches!(long, Err(CollectError::TooLong)));
        for (max, read) in [(0, ""), (1, "a"), (2, "ab"), (3, "abc"), (9, "abc")] {
            assert_eq!(beginning(abc(), max).await.unwrap(), read.as_bytes());
        }
    }
}
