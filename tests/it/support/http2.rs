//! An HTTP/2 client that sends raw frames, so that a test can send what no HTTP library would.

use std::time::Duration;

use tokio::time::timeout;

use super::Client;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

pub const MAX_CONCURRENT_STREAMS: u16 = 3;
pub const INITIAL_WINDOW_SIZE: u16 = 4;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub struct Http2 {
    client: Client,
    buffer: Vec<u8>,
}

/// A frame as it arrived.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// Returns a frame's bytes.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Makes a SETTINGS frame.
pub fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let bytes = |(key, value): &(u16, u32)| [&key.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let payload: Vec<u8> = pairs.iter().flat_map(bytes).collect();
    frame(SETTINGS, 0, 0, &payload)
}

/// Makes a WINDOW_UPDATE frame.
pub fn window_update(stream: u32, size: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &size.to_be_bytes())
}

/// Makes a head, with each field as a literal that is not indexed (RFC 7541, 6.2.2).
pub fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let pseudo = [
        (":method", method),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", path),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    pseudo.iter().chain(fields).flat_map(field).collect()
}

impl Http2 {
    /// Begins a connection with these settings.
    pub async fn begin(mut client: Client, pairs: &[(u16, u32)]) -> Self {
        client.send([PREFACE, &settings(pairs)].concat()).await;
        Self {
            client,
            buffer: Vec::new(),
        }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.client.send(bytes).await;
    }

    /// Sends bytes that the other end may refuse to read.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.client.try_send(bytes).await
    }

    /// Sends a request without a body.
    pub async fn get(&mut self, stream: u32, path: &str) {
        let head = head("GET", path, &[]);
        let bytes = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head);
        self.send(bytes).await;
    }

    /// Returns the next frame, or `None` at the end of the connection. Acknowledges pings and settings on the way.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take() {
                let is_answered = matches!(frame.kind, PING | SETTINGS) && frame.flags & ACK == 0;
                if is_answered {
                    let payload: &[u8] = if frame.kind == PING {
                        &frame.payload
                    } else {
                        &[]
                    };
                    let ack = self::frame(frame.kind, ACK, 0, payload);
                    // The connection may have ended after that frame.
                    let _ = self.client.try_send(ack).await;
                }
                return Some(frame);
            }
            self.buffer.extend(self.client.piece().await?);
        }
    }

    /// Returns the next frame of this kind on a stream.
    pub async fn of(&mut self, stream: u32, kinds: &[u8]) -> Option<Frame> {
        loop {
            let frame = self.frame().await?;
            if frame.stream == stream && kinds.contains(&frame.kind) {
                return Some(frame);
            }
        }
    }

    /// Reads the body of a reply. Returns it and whether it is complete.
    pub async fn body(&mut self, stream: u32) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        while let Some(frame) = self.of(stream, &[HEADERS, DATA, RST_STREAM]).await {
            if frame.kind == RST_STREAM {
                break;
            }
            if frame.kind == DATA {
                body.extend(&frame.payload);
            }
            if frame.flags & END_STREAM != 0 {
                return (body, true);
            }
        }
        (body, false)
    }

    /// Reads to the end of the connection, and sends something at intervals until then. Returns the kinds of the frames
    /// that arrived.
    pub async fn ends(&mut self, drip: &[u8]) -> Vec<u8> {
        let mut kinds = Vec::new();
        loop {
            match timeout(Duration::from_millis(40), self.frame()).await {
                Ok(Some(frame)) => kinds.push(frame.kind),
                Ok(None) => return kinds,
                Err(_) => {
                    let _ = self.try_send(drip).await;
                }
            }
        }
    }

    fn take(&mut self) -> Option<Frame> {
        let (head, rest) = self.buffer.split_at_checked(9)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let payload = rest.get(..length)?.to_vec();
        let frame = Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]),
            payload,
        };
        self.buffer.drain(..9 + length);
        Some(frame)
    }
}
