//! Follows the frames that an HTTP/2 client sends, by their headers, and detects floods.
//!
//! h2 handles SETTINGS, PING, WINDOW_UPDATE and PRIORITY internally and does not limit how many it handles, so a client
//! can keep a processor busy with frames that achieve nothing. They are counted here, where their bytes pass. h2 has
//! its own limits on resets of streams that were not accepted yet (20), on streams that it has to reset itself (1024),
//! on the CONTINUATION frames of a head (by the maximum size of a head), and on DATA frames that are small or empty.
//! Resets of streams that were already accepted escape the first of these limits, so they are counted here too.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::idle_timer::MIN_PROGRESS;

/// The size of a frame header: length, type, flags and stream (RFC 9113, 4.1).
const HEAD: usize = 9;

/// The size of the rest of the preface after the part that looks like the head of a request: `SM` and an empty line
/// (RFC 9113, 3.4).
const PREFACE_REST: usize = 6;

/// How many frames of a kind that achieve nothing a client may send within [`SPAN`].
const MOST: u32 = 1000;
const SPAN: Duration = Duration::from_secs(10);

/// Frame types (RFC 9113, 6).
mod kind {
    pub(super) const DATA: u8 = 0x0;
    pub(super) const HEADERS: u8 = 0x1;
    pub(super) const RST_STREAM: u8 = 0x3;
    pub(super) const CONTINUATION: u8 = 0x9;
}

/// The flag that ends the head of a request (RFC 9113, 6.2).
const END_HEADERS: u8 = 0x4;

/// The position in the client's bytes, and counts of what it has sent.
#[derive(Debug)]
pub(super) struct Frames {
    /// The header of the current frame, as far as it has been received.
    head: [u8; HEAD],
    filled: usize,
    /// How many bytes of the current frame are still to come.
    payload: usize,
    /// Whether the current frame belongs to the preface, or to the head of a request.
    is_head: bool,
    /// Whether the head of the request continues in another frame.
    goes_on: bool,
    /// Frames that brought neither a stream nor DATA, while the proxy could send little.
    idle: Count,
    resets: Count,
    /// Bytes written since `idle` was last reset.
    written: usize,
}

/// The client sent too many frames that achieve nothing.
#[derive(Debug)]
pub(super) struct Flood;

#[derive(Debug)]
struct Count {
    frames: u32,
    since: Instant,
}

impl Frames {
    /// Starts after the first line of the preface.
    pub(super) fn new() -> Self {
        Self {
            head: [0; HEAD],
            filled: 0,
            payload: PREFACE_REST,
            is_head: true,
            goes_on: false,
            idle: Count::new(),
            resets: Count::new(),
            written: 0,
        }
    }

    /// Follows more bytes. Returns whether they complete something that has a time limit.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<bool, Flood> {
        let mut has_completed = false;
        loop {
            let skipped = self.payload.min(bytes.len());
            self.payload -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            if self.is_head && self.payload == 0 && !self.goes_on {
                self.is_head = false;
                has_completed = true;
            }
            if bytes.is_empty() {
                return Ok(has_completed);
            }
            let Some((taken, rest)) = bytes.split_at_checked(HEAD - self.filled) else {
                self.fill(bytes);
                return Ok(has_completed);
            };
            self.fill(taken);
            bytes = rest;
            self.filled = 0;
            self.begin()?;
            has_completed |= !self.is_head;
        }
    }

    /// Whether the client has begun something that it must finish in time: the preface, a frame header, or the head of
    /// a request.
    pub(super) fn is_in_head(&self) -> bool {
        self.is_head || self.filled > 0
    }

    /// Notes bytes sent to the client. If the proxy can send, the client's frames were useful.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(bytes);
        if self.written >= MIN_PROGRESS {
            self.written = 0;
            self.idle.frames = 0;
        }
    }

    fn fill(&mut self, bytes: &[u8]) {
        let space = self.head.iter_mut().skip(self.filled);
        space.zip(bytes).for_each(|(to, from)| *to = *from);
        self.filled += bytes.len();
    }

    /// Handles a complete frame header.
    fn begin(&mut self) -> Result<(), Flood> {
        let [a, b, c, kind, flags, ..] = self.head;
        self.payload = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        self.is_head = matches!(kind, kind::HEADERS | kind::CONTINUATION);
        self.goes_on = self.is_head && flags & END_HEADERS == 0;
        match kind {
            kind::DATA | kind::HEADERS => {
                self.idle.frames = 0;
                self.written = 0;
                Ok(())
            }
            kind::CONTINUATION => Ok(()),
            kind::RST_STREAM => self.resets.add(),
            _ => self.idle.add(),
        }
    }
}

impl Count {
    fn new() -> Self {
        Self {
            frames: 0,
            since: Instant::now(),
        }
    }

    fn add(&mut self) -> Result<(), Flood> {
        self.frames += 1;
        if self.frames > MOST && self.since.elapsed() < SPAN {
            return Err(Flood);
        }
        if self.frames == 1 || self.frames > MOST {
            *self = Self {
                frames: 1,
                ..Self::new()
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::{Frames, MIN_PROGRESS, MOST};

    const REST: &[u8] = b"SM\r\n\r\n";
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        frame.extend(vec![0xff; length.into()]);
        frame
    }

    fn after_preface() -> Frames {
        let mut frames = Frames::new();
        assert!(frames.is_in_head());
        assert!(frames.read(REST).unwrap());
        assert!(!frames.is_in_head());
        frames
    }

    /// However a client splits its frames, the start and the end of each head are known.
    #[tokio::test]
    async fn the_start_and_the_end_of_heads_are_known() {
        let bytes = [
            frame(SETTINGS, 0, 6),
            frame(1, 0, 20),
            frame(9, 0, 3),
            frame(9, 4, 5),
            frame(0, 1, 200),
        ]
        .concat();
        let (head, data) = (15, 15 + 29 + 12 + 14);
        for size in 1..bytes.len() {
            let mut frames = after_preface();
            let mut at = 0;
            for piece in bytes.chunks(size) {
                frames.read(piece).unwrap();
                at += piece.len();
                let expected = (1..9).contains(&at)
                    || (head + 1..data).contains(&at)
                    || (data + 1..data + 9).contains(&at);
                assert_eq!(frames.is_in_head(), expected, "{at} of {size}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn floods_are_detected() {
        for kind in [2, 3, SETTINGS, PING, 8, 0x2a] {
            let mut frames = after_preface();
            let one = frame(kind, 0, 8);
            for _ in 0..MOST {
                frames.read(&one).unwrap();
            }
            assert!(frames.read(&one).is_err(), "{kind}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn useful_frames_are_not_a_flood() {
        let one = frame(8, 0, 4);
        // Frames that bring a stream or DATA, frames over a longer time, and frames that let the proxy send.
        let mut frames = after_preface();
        for number in 0..20 * MOST {
            frames.read(&one).unwrap();
            if number % 900 == 0 {
                frames.read(&frame((number % 2) as u8, 4, 1)).unwrap();
            }
        }
        let mut frames = after_preface();
        for _ in 0..20 * MOST {
            frames.read(&one).unwrap();
            advance(Duration::from_millis(20)).await;
        }
        let mut frames = after_preface();
        for _ in 0..20 * MOST {
            frames.read(&one).unwrap();
            frames.wrote(MIN_PROGRESS / 900);
        }
        // A stream that is opened only to be reset achieves nothing.
        let mut frames = after_preface();
        let pair = [frame(1, 5, 1), frame(3, 0, 4)].concat();
        let pairs = (0..=MOST).find(|_| frames.read(&pair).is_err());
        assert_eq!(pairs, Some(MOST));
    }
}
