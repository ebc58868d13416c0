//! The frames that an HTTP/2 client sends, seen by their heads.
//!
//! h2 tells nobody of SETTINGS, PING, WINDOW_UPDATE and PRIORITY: it answers or ignores them inside, as many as come,
//! so a client can keep a processor busy with frames that bring nothing. They are counted here, where their bytes pass.
//! h2 has its own limits on resets of streams that nobody has accepted yet (20), on streams that it has to reset itself
//! (1024), on the CONTINUATION frames of a head (by the longest head that is allowed) and on DATA frames that are small
//! or empty. What escapes the first is counted here too: resets of streams that were accepted in time.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::idle_timer::LEAST;

/// Length, type, flags and stream (RFC 9113, 4.1).
const HEAD: usize = 9;

/// What the preface has behind what looks like the head of a request (RFC 9113, 3.4): `SM` and an empty line.
const PREFACE_REST: usize = 6;

/// How many frames of a kind a client may send within [`SPAN`] for nothing.
const MOST: u32 = 1000;
const SPAN: Duration = Duration::from_secs(10);

/// RFC 9113, 6.
mod kind {
    pub(super) const DATA: u8 = 0x0;
    pub(super) const HEADERS: u8 = 0x1;
    pub(super) const RST_STREAM: u8 = 0x3;
    pub(super) const CONTINUATION: u8 = 0x9;
}

/// Ends the head of a request (RFC 9113, 6.2).
const END_HEADERS: u8 = 0x4;

/// Where the client's bytes are, and what it has sent so far.
#[derive(Debug)]
pub(super) struct Frames {
    /// The head of the frame at hand, as far as it has come.
    head: [u8; HEAD],
    filled: usize,
    /// How much of the frame at hand is still to come.
    payload: usize,
    /// The frame at hand belongs to the preface, or to the head of a request.
    is_head: bool,
    /// The head of the request goes on in another frame.
    goes_on: bool,
    /// Frames that brought neither a stream nor DATA, and let us send nothing.
    idle: Count,
    resets: Count,
    /// Bytes written since `idle` began anew.
    written: usize,
}

/// More frames came than do anything.
#[derive(Debug)]
pub(super) struct Flood;

#[derive(Debug)]
struct Count {
    frames: u32,
    since: Instant,
}

impl Frames {
    /// Behind the first line of the preface.
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

    /// Looks at more bytes. The answer is whether anything that has a time limit was completed among them.
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

    /// Whether something has begun that the client has to bring to its end in time: the preface, the head of a frame, or
    /// the head of a request.
    pub(super) fn is_in_head(&self) -> bool {
        self.is_head || self.filled > 0
    }

    /// So much was sent to the client: whatever it did was good for something.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(bytes);
        if self.written >= LEAST {
            self.written = 0;
            self.idle.frames = 0;
        }
    }

    fn fill(&mut self, bytes: &[u8]) {
        let space = self.head.iter_mut().skip(self.filled);
        space.zip(bytes).for_each(|(to, from)| *to = *from);
        self.filled += bytes.len();
    }

    /// A frame whose head is whole.
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

    use super::{Frames, LEAST, MOST};

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

    /// However a client cuts its frames, what it has begun is known, and that it has come to its end.
    #[tokio::test]
    async fn heads_are_followed() {
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
    async fn floods_are_found() {
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
    async fn frames_that_are_good_for_something_are_no_flood() {
        let one = frame(8, 0, 4);
        // What brings a stream or DATA, time, and what lets us send.
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
            frames.wrote(LEAST / 900);
        }
        // A stream that is opened only to be reset brings nothing.
        let mut frames = after_preface();
        let pair = [frame(1, 5, 1), frame(3, 0, 4)].concat();
        let pairs = (0..=MOST).find(|_| frames.read(&pair).is_err());
        assert_eq!(pairs, Some(MOST));
    }
}
