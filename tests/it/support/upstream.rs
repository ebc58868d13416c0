//! An upstream that records its requests and answers as the test says, errors included.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A server on its own port. It ends when it is dropped.
pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _serving: JoinSet<()>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Request line and headers, byte for byte, without the empty line.
    pub head: String,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The index of its connection, in the order of acceptance.
    pub connection: usize,
}

/// A reply, and how it is sent.
#[derive(Clone)]
pub struct Reply {
    bytes: Vec<u8>,
    latency: Duration,
    slice: Option<(usize, Duration)>,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    KeepAlive,
    Close,
    /// The connection is reset after this many bytes.
    ResetAfter(usize),
    /// Nothing more is sent after this many bytes, and the connection stays open.
    HangAfter(usize),
}

impl Upstream {
    /// Answers each request with `answer`.
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(answer, None).await
    }

    /// The same over TLS.
    pub async fn start_tls(
        tls: Arc<rustls::ServerConfig>,
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(answer, Some(TlsAcceptor::from(tls))).await
    }

    /// Returns all requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the only request.
    pub fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    async fn listen(
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let mut serving = JoinSet::new();
        let record = Arc::clone(&seen);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (record, answer, tls) = (Arc::clone(&record), Arc::clone(&answer), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => converse(stream, number, &record, &*answer).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, number, &record, &*answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            _serving: serving,
        }
    }
}

impl Seen {
    /// The request line.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or("")
    }

    /// The request target, as it was sent.
    pub fn target(&self) -> &str {
        self.line().split(' ').nth(1).unwrap_or("")
    }

    /// Returns every line of a header.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        headers(&self.head, name)
    }

    /// Returns the only line of a header, or `None`.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers(name);
        assert!(lines.len() <= 1, "{name}: {lines:?}");
        lines.first().copied()
    }
}

impl Reply {
    /// Bytes to send as they are.
    pub fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            bytes: bytes.as_ref().to_vec(),
            latency: Duration::ZERO,
            slice: None,
            end: End::KeepAlive,
        }
    }

    /// A complete reply: `status` is code and reason, `headers` are lines without their ends.
    pub fn new(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        for line in headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        Self::raw([head.as_bytes(), b"\r\n", body].concat())
    }

    /// A 200 with JSON.
    pub fn json(body: impl AsRef<[u8]>) -> Self {
        Self::new("200 OK", &["Content-Type: application/json"], body)
    }

    /// Waits before the first byte.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sends pieces of this size, with a pause after each.
    pub fn slice(mut self, size: usize, pause: Duration) -> Self {
        self.slice = Some((size, pause));
        self
    }

    /// Closes the connection properly after the reply.
    pub fn close(mut self) -> Self {
        self.end = End::Close;
        self
    }

    /// Resets the connection after this many bytes of the reply, head included.
    pub fn reset_after(mut self, bytes: usize) -> Self {
        self.end = End::ResetAfter(bytes);
        self
    }

    /// Sends nothing more after this many bytes of the reply, head included.
    pub fn hang_after(mut self, bytes: usize) -> Self {
        self.end = End::HangAfter(bytes);
        self
    }

    /// The length of the head, with its empty line.
    pub fn head_len(&self) -> usize {
        let end = self.bytes.windows(4).position(|w| w == b"\r\n\r\n");
        end.map_or(self.bytes.len(), |at| at + 4)
    }
}

/// A stream that can be reset.
trait Stream: AsyncRead + AsyncWrite + Unpin {
    fn reset(self);
}

impl Stream for TcpStream {
    fn reset(self) {
        self.set_zero_linger().unwrap();
    }
}

impl Stream for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(self) {
        self.get_ref().0.set_zero_linger().unwrap();
    }
}

async fn converse<S: Stream>(
    mut stream: S,
    connection: usize,
    record: &Mutex<Vec<Seen>>,
    answer: &(dyn Fn(&Seen) -> Reply + Send + Sync),
) {
    let mut buffer = Vec::new();
    while let Some((head, body)) = read_message(&mut stream, &mut buffer, false).await {
        let seen = Seen {
            head,
            body,
            connection,
        };
        record.lock().unwrap().push(seen.clone());
        let reply = answer(&seen);
        tokio::time::sleep(reply.latency).await;
        let limit = match reply.end {
            End::ResetAfter(bytes) | End::HangAfter(bytes) => bytes.min(reply.bytes.len()),
            End::KeepAlive | End::Close => reply.bytes.len(),
        };
        let (size, pause) = reply.slice.unwrap_or((usize::MAX, Duration::ZERO));
        for piece in reply.bytes[..limit].chunks(size) {
            if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        match reply.end {
            End::KeepAlive => {}
            End::Close => {
                let _ = stream.shutdown().await;
                return;
            }
            End::ResetAfter(_) => {
                // Everything sent must have arrived, because a reset destroys bytes in transit.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return stream.reset();
            }
            End::HangAfter(_) => std::future::pending().await,
        }
    }
}

/// Reads one message: its head without the empty line, its body without its framing. Returns `None` at the end of the
/// stream, also in the middle of a message. With `to_end`, a body without a length extends to the end of the stream.
pub async fn read_message<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    to_end: bool,
) -> Option<(String, Vec<u8>)> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        more(stream, buffer).await?;
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let chunked = headers(&head, "transfer-encoding").contains(&"chunked");
    let length = headers(&head, "content-length")
        .first()
        .map(|n| n.parse().unwrap());
    let body = match (chunked, length) {
        (true, _) => read_chunks(stream, buffer).await?,
        (false, Some(length)) => take(stream, buffer, length).await?,
        (false, None) if head.starts_with("HTTP/1.1 204") => Vec::new(),
        (false, None) if to_end => {
            while more(stream, buffer).await.is_some() {}
            std::mem::take(buffer)
        }
        (false, None) => Vec::new(),
    };
    Some((head, body))
}

/// Returns every line of a header in a head.
pub fn headers<'h>(head: &'h str, name: &str) -> Vec<&'h str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

async fn read_chunks<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = take_line(stream, buffer).await?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            while !take_line(stream, buffer).await?.is_empty() {}
            return Some(body);
        }
        body.extend(take(stream, buffer, size).await?);
        take(stream, buffer, 2).await?;
    }
}

async fn take_line<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(at) = buffer.windows(2).position(|w| w == b"\r\n") {
            let line = String::from_utf8_lossy(&buffer[..at]).into_owned();
            buffer.drain(..at + 2);
            return Some(line);
        }
        more(stream, buffer).await?;
    }
}

async fn take<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    length: usize,
) -> Option<Vec<u8>> {
    while buffer.len() < length {
        more(stream, buffer).await?;
    }
    let rest = buffer.split_off(length);
    Some(std::mem::replace(buffer, rest))
}

async fn more<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<()> {
    buffer.reserve(64 << 10);
    match stream.read_buf(buffer).await {
        Ok(read) if read > 0 => Some(()),
        _ => None,
    }
}
