//! A client that sends raw bytes, so that a test can send what no HTTP library would.

use std::sync::Arc;
use std::time::Duration;

use nova_glance_proxy::serve::Bound;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::schema;
use super::upstream::{headers, read_message};

/// The longest time that a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One connection.
pub struct Client {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    /// Whether replies are checked against Glance's schema documents.
    holds_to_schema: bool,
}

/// A reply as it arrived.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status line and headers, byte for byte, without the empty line.
    pub head: String,
    /// The body without its framing.
    pub body: Vec<u8>,
}

impl Client {
    pub async fn connect(bound: &Bound) -> Self {
        match bound {
            Bound::Tcp(address) => Self::over(TcpStream::connect(address).await.unwrap()),
            Bound::Unix(path) => Self::over(UnixStream::connect(path).await.unwrap()),
        }
    }

    /// Connects over TLS to a server that shows a certificate for `localhost`.
    pub async fn connect_tls(
        bound: &Bound,
        config: Arc<rustls::ClientConfig>,
    ) -> std::io::Result<Self> {
        let Bound::Tcp(address) = bound else {
            panic!("TLS is tested over TCP only");
        };
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await?;
        let connector = tokio_rustls::TlsConnector::from(config);
        Ok(Self::over(connector.connect(name, stream).await?))
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// Sends bytes that the other end may refuse to read.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await?;
        self.stream.flush().await
    }

    /// Reads the next reply; its headers tell how its body is framed.
    pub async fn answer(&mut self) -> Answer {
        let read = read_message(&mut self.stream, &mut self.buffer, true);
        let (head, body) = timeout(PATIENCE, read).await.unwrap().expect("a reply");
        self.checked(Answer { head, body })
    }

    /// Reads the next reply, if all of it arrives before the connection ends.
    pub async fn whole_answer(&mut self) -> Option<Answer> {
        let read = read_message(&mut self.stream, &mut self.buffer, false);
        let (head, body) = timeout(PATIENCE, read).await.unwrap()?;
        Some(self.checked(Answer { head, body }))
    }

    /// From now on every reply with images must match Glance's schema.
    pub fn hold_to_schema(mut self) -> Self {
        self.holds_to_schema = true;
        self
    }

    fn checked(&self, answer: Answer) -> Answer {
        if self.holds_to_schema {
            schema::check(&answer);
        }
        answer
    }

    /// Reads the head of the next reply, which has no body (HEAD, 304, an interim reply).
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..at]).into_owned();
                self.buffer.drain(..at + 4);
                return head;
            }
            assert!(self.more().await > 0, "{:?}", self.buffer);
        }
    }

    /// Reads everything to the end of the connection; a reset counts as an end.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await > 0 {}
        std::mem::take(&mut self.buffer)
    }

    /// Takes the next bytes; empty at the end of the connection.
    pub async fn piece(&mut self) -> Option<Vec<u8>> {
        self.buffer.reserve(64 << 10);
        let read = self.more().await;
        (read > 0).then(|| std::mem::take(&mut self.buffer))
    }

    /// Reads more bytes into the buffer.
    pub async fn more(&mut self) -> usize {
        let read = self.stream.read_buf(&mut self.buffer);
        timeout(PATIENCE, read).await.unwrap().unwrap_or(0)
    }

    /// Whether the other end has closed the connection in good order, without a byte: a reset is none.
    pub async fn is_closed_in_order(&mut self) -> bool {
        let mut more = [0];
        let read = timeout(PATIENCE, self.stream.read(&mut more)).await;
        matches!(read.expect("an end"), Ok(0))
    }

    /// Whether the connection ends within this time. Bytes that arrive meanwhile are kept.
    pub async fn is_over_within(&mut self, limit: Duration) -> bool {
        timeout(limit, self.rest()).await.is_ok()
    }

    /// Whether the other end has closed the connection and there is nothing more to read.
    pub async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && self.more().await == 0
    }

    fn over(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            buffer: Vec::new(),
            holds_to_schema: false,
        }
    }
}

impl Answer {
    pub fn status(&self) -> u16 {
        let code = self.head.split(' ').nth(1).unwrap_or("");
        code.parse().unwrap_or_default()
    }

    /// Returns the only line of a header, or `None`.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = headers(&self.head, name);
        assert!(lines.len() <= 1, "{name}: {lines:?}");
        lines.first().copied()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
