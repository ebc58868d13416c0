//! What systemd passes to the process, and what it is told. Without systemd there are no sockets, and messages go
//! nowhere.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use socket2::SockRef;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Reloaded;
use crate::config::Problems;

/// The sockets that systemd has bound for this process. It keeps them open while the process restarts, so that no client
/// is refused.
#[derive(Debug, Default)]
pub struct PassedSockets(Vec<PassedSocket>);

/// One socket, with its `FileDescriptorName`.
#[derive(Debug)]
struct PassedSocket {
    name: String,
    /// `None` if clients cannot be accepted on it.
    listener: Option<PassedListener>,
}

/// A socket on which clients can be accepted.
#[derive(Debug)]
pub(super) enum PassedListener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl PassedSockets {
    /// Takes the sockets that were passed to this process, and removes the variables that say so. Call this before there
    /// are other threads, which may read the environment.
    pub fn of_process() -> Self {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut passed = ListenFd::from_env();
        let sockets = (0..passed.len()).map(|at| PassedSocket {
            name: names.next().unwrap_or_default().to_owned(),
            listener: listener(&mut passed, at),
        });
        Self(sockets.collect())
    }

    /// Takes the socket with this name.
    pub(super) fn take(&mut self, name: &str) -> io::Result<PassedListener> {
        let mut named = self.0.extract_if(.., |socket| socket.name == name);
        match (named.next(), named.next()) {
            (Some(socket), None) => socket.listener.ok_or_else(|| {
                invalid("systemd passed something else than a listening TCP or unix stream socket")
            }),
            (Some(_), Some(_)) => Err(invalid(
                "systemd passed several sockets with this name; each needs a FileDescriptorName of its own",
            )),
            (None, _) => {
                drop(named);
                Err(io::Error::new(io::ErrorKind::NotFound, self.others()))
            }
        }
    }

    fn others(&self) -> String {
        if self.0.is_empty() {
            return "systemd passed no socket: is the socket unit started?".to_owned();
        }
        let names: Vec<_> = self.0.iter().map(|it| format!("`{}`", it.name)).collect();
        format!(
            "systemd passed no socket with this name, but {}",
            names.join(", ")
        )
    }

    /// Warns of sockets that no listener has taken. Their clients would wait in vain.
    pub(super) fn warn_of_unused(&self) {
        for PassedSocket { name, .. } in &self.0 {
            tracing::warn!("systemd passed the socket `{name}`, which no listener takes");
        }
    }
}

fn listener(passed: &mut ListenFd, at: usize) -> Option<PassedListener> {
    if let Ok(Some(listener)) = passed.take_tcp_listener(at) {
        return listens(&listener).then_some(PassedListener::Tcp(listener));
    }
    let listener = passed.take_unix_listener(at).ok().flatten()?;
    listens(&listener).then_some(PassedListener::Unix(listener))
}

/// A socket unit with `Accept=yes` passes a connection instead.
fn listens(socket: &impl AsFd) -> bool {
    SockRef::from(socket).is_listener().unwrap_or_default()
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// Tells that the server serves, or goes on after a reload.
pub(super) fn tell_ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Tells that a reload begins. [`tell_ready`] must follow even if the reload fails, because systemd waits for it.
pub(super) fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        // Since version 253 systemd wants both in one message.
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd was not told of a reload"),
    }
}

/// Tells that the server drains, and then ends.
pub(super) fn tell_stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

/// Tells the line that `systemctl status` shows.
pub(super) fn tell_status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// Describes the outcome of a reload in one line. The log lists every problem.
pub(super) fn reload_status(outcome: &Result<Reloaded, Problems>) -> String {
    match outcome {
        Ok(Reloaded::Fixed) => "nothing to reload".to_owned(),
        Ok(Reloaded::Done(needs_restart)) if needs_restart.is_empty() => "reloaded".to_owned(),
        Ok(Reloaded::Done(needs_restart)) => {
            format!(
                "reloaded in part: {} takes a restart",
                needs_restart.join(", ")
            )
        }
        Err(problems) => {
            let problems = problems.to_string();
            let first = problems.lines().next().unwrap_or_default();
            format!("reload failed, keeping the running configuration: {first}")
        }
    }
}

/// If systemd watches the process, tells at a third of its time limit that the process works, until the returned set is
/// dropped. This is a task, so that it runs on the threads that serve requests and stops if they are stuck.
pub(super) fn watchdog() -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    if let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) {
        tasks.spawn(tell_alive(limit / 3));
    }
    tasks
}

async fn tell_alive(every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(message: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(message) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
