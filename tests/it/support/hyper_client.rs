//! HTTP/2 clients made with hyper, for tests of well-behaved clients.

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nova_glance_proxy::serve::Bound;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Sends requests.
pub type Sender = SendRequest<Full<Bytes>>;

/// Opens a connection over a stream. It ends when the returned value is dropped.
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

/// Opens a connection without TLS.
pub async fn connect(bound: &Bound) -> (Sender, JoinHandle<()>) {
    over(tcp(bound).await).await
}

/// Opens a stream to a TCP listener.
pub async fn tcp(bound: &Bound) -> TcpStream {
    let Bound::Tcp(address) = bound else {
        panic!("the listener is TCP");
    };
    TcpStream::connect(address).await.unwrap()
}
