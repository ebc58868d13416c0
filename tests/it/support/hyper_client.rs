//! HTTP/2 clients as hyper is one, for what well-behaved clients do.

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nova_glance_proxy::serve::Bound;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Where requests go in.
pub type Sender = SendRequest<Full<Bytes>>;

/// A connection over a stream, and what ends when it does.
pub async fn over(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> (Sender, JoinHandle<()>) {
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let ended = tokio::spawn(async move {
        let _ = connection.await;
    });
    (sender, ended)
}

/// A connection without TLS.
pub async fn connect(bound: &Bound) -> (Sender, JoinHandle<()>) {
    over(tcp(bound).await).await
}

/// A stream to a listener that is one of TCP.
pub async fn tcp(bound: &Bound) -> TcpStream {
    let Bound::Tcp(address) = bound else {
        panic!("the listener is TCP");
    };
    TcpStream::connect(address).await.unwrap()
}
