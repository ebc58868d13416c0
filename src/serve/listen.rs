//! Sockets that accept clients.

use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{
    TcpListener, TcpSocket, TcpStream, UnixListener, UnixSocket, UnixStream, lookup_host,
};

use super::systemd::{PassedListener, PassedSockets};
use crate::config::Address;

/// How many clients the kernel keeps waiting until they are accepted, if `net.core.somaxconn` allows as many.
const BACKLOG: u32 = 1024;

/// A bound socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    /// With its file, if the process made it.
    Unix(UnixListener, Option<SocketFile>),
}

/// An accepted connection.
#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// The address of a bound socket, for the log and for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A TCP address, with the port that was picked.
    Tcp(SocketAddr),
    /// The path of a unix socket.
    Unix(PathBuf),
}

/// The file of a unix socket, which is removed together with the socket.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode. Another process may have replaced the file with its own socket, which must not be removed.
    identity: (u64, u64),
}

impl Socket {
    /// Binds an address. Replaces a socket file on which no process listens any more; the new one has this mode.
    pub(super) async fn bind(
        address: &Address,
        mode: u32,
        passed: &mut PassedSockets,
    ) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Ok(Self::Tcp(bind_first(address).await?)),
            Address::Unix(path) => {
                remove_stale(path).await?;
                let socket = UnixSocket::new_stream()?;
                socket.bind(path)?;
                let listener = socket.listen(BACKLOG)?;
                std::fs::set_permissions(path, Permissions::from_mode(mode))?;
                Ok(Self::Unix(listener, Some(SocketFile::of(path)?)))
            }
            Address::Systemd(name) => Self::passed(passed.take(name)?),
        }
    }

    /// A socket that systemd bound.
    fn passed(listener: PassedListener) -> io::Result<Self> {
        match listener {
            PassedListener::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(TcpListener::from_std(listener)?))
            }
            PassedListener::Unix(listener) => {
                listener.set_nonblocking(true)?;
                Ok(Self::Unix(UnixListener::from_std(listener)?, None))
            }
        }
    }

    /// The address of the socket.
    pub(super) fn bound(&self) -> io::Result<Bound> {
        match self {
            Self::Tcp(listener) => Ok(Bound::Tcp(listener.local_addr()?)),
            Self::Unix(_, Some(file)) => Ok(Bound::Unix(file.path.clone())),
            Self::Unix(listener, None) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new(""));
                Ok(Bound::Unix(path.to_owned()))
            }
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // This fails only if the client is gone already, which the first read reports.
                let _ = stream.set_nodelay(true);
                Ok(Accepted::Tcp(stream, peer))
            }
            Self::Unix(listener, _) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Binds the first address of a name that can be bound.
async fn bind_first(name: &str) -> io::Result<TcpListener> {
    let mut failure = None;
    for address in lookup_host(name).await? {
        match bind_tcp(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = Some(error),
        }
    }
    let nothing = || io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    Err(failure.unwrap_or_else(nothing))
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart need not wait for old connections.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let is_alive = UnixStream::connect(path).await.is_ok();
    if is_alive || !found.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "the file exists, and is in use or not a socket",
        ));
    }
    std::fs::remove_file(path)
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = std::fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}
