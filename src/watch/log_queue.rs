//! The lines of the log on their way to standard error.
//!
//! A request must never wait for the reader of the log: a pipe whose reader has stopped blocks every write. So lines
//! go into a bounded queue, and one thread writes them. When the queue is full, a line is dropped and counted, and a line
//! of the log says how many were dropped as soon as there is room again.
//!
//! The thread also makes the log cheap: it gathers the lines of some milliseconds and writes them with one system call.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd as _;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::Level;

use super::line::{LogFormat, LogLine};

/// How many bytes of lines can wait: about 2,000 requests.
const CAPACITY: usize = 1 << 20;
/// The longest piece that is written at once (`PIPE_BUF`). A pipe takes this much whole, so lines of other writers to the
/// same pipe cannot end up inside one of ours.
const PIECE: usize = 4096;
/// How long lines of requests are gathered before they are written.
const GATHER: Duration = Duration::from_millis(5);
/// How long the end of the process waits for lines that are not written yet.
const LAST_WRITES: Duration = Duration::from_secs(1);
/// How long the thread waits before it tries again to write to a descriptor that does not block and is full.
const WOULD_BLOCK_PAUSE: Duration = Duration::from_millis(10);

/// A bounded queue of lines, and the thread that writes them once [`start`](Self::start) was called.
#[derive(Debug)]
pub(super) struct LogQueue {
    state: Mutex<State>,
    /// There are lines to write, or the end has come.
    filled: Condvar,
    /// The thread has ended.
    ended: Condvar,
    dropped: AtomicU64,
    format: OnceLock<LogFormat>,
}

#[derive(Debug)]
struct State {
    /// Whole lines.
    lines: Vec<u8>,
    /// Lines that found no room, and that the log has not reported yet.
    unreported: u64,
    /// Somebody waits for these lines, so they are not gathered any longer.
    is_urgent: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no thread yet.
    Idle,
    /// The thread writes.
    Running,
    /// The thread writes the lines that are left and ends.
    Ending,
    /// The thread has ended.
    Ended,
}

/// The queue of this program's log.
pub(super) static LOG: LogQueue = LogQueue::new();

impl LogQueue {
    const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                lines: Vec::new(),
                unreported: 0,
                is_urgent: false,
                phase: Phase::Idle,
            }),
            filled: Condvar::new(),
            ended: Condvar::new(),
            dropped: AtomicU64::new(0),
            format: OnceLock::new(),
        }
    }

    /// Starts the thread, for lines of this form. Fails if the system has no descriptor or no thread left.
    pub(super) fn start(&'static self, format: LogFormat) -> io::Result<()> {
        let _ = self.format.set(format);
        // A descriptor of its own: the lock of `io::stderr` would be held for as long as a write blocks, and everything
        // that prints an error would wait for it.
        let out = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || self.run(out))?;
        self.state().phase = Phase::Running;
        Ok(())
    }

    /// Takes a whole line. It never blocks. If the line `can_wait`, it is gathered with others; else it is written at once.
    pub(super) fn take(&self, line: &[u8], can_wait: bool) {
        let mut state = self.state();
        if state.lines.len() + line.len() > CAPACITY {
            state.unreported += 1;
            self.dropped.fetch_add(1, Relaxed);
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        let is_urgent = !can_wait || state.lines.len() > CAPACITY / 2;
        if was_empty || (is_urgent && !state.is_urgent) {
            self.filled.notify_one();
        }
        state.is_urgent |= is_urgent;
    }

    /// The form that lines must have.
    pub(super) fn format(&self) -> LogFormat {
        self.format.get().copied().unwrap_or(LogFormat::Json)
    }

    /// How many lines were lost since the start: they found no room, or could not be written.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Has the lines that are left written, and waits for it, but not for long.
    pub(super) fn end(&self) {
        let mut state = self.state();
        if state.phase != Phase::Running {
            return;
        }
        state.phase = Phase::Ending;
        self.filled.notify_one();
        let running = |state: &mut State| state.phase != Phase::Ended;
        let _ = self.ended.wait_timeout_while(state, LAST_WRITES, running);
    }

    /// What the thread does.
    fn run(&self, out: impl Write) {
        let mut writer = Writer {
            out,
            format: self.format(),
            lost: 0,
            is_torn: false,
        };
        let mut lines = Vec::new();
        loop {
            lines.clear();
            let (unreported, is_last) = self.next(&mut lines);
            writer.report();
            let lost = writer.write(&lines);
            self.dropped.fetch_add(lost, Relaxed);
            // These came after the lines that were just written, and found no room.
            writer.lost += unreported;
            writer.report();
            if is_last {
                break;
            }
        }
        self.state().phase = Phase::Ended;
        self.ended.notify_all();
    }

    /// Waits for lines and takes them. Returns how many found no room behind them, and whether they are the last ones.
    fn next(&self, lines: &mut Vec<u8>) -> (u64, bool) {
        let state = self.state();
        let is_idle = |state: &mut State| state.lines.is_empty() && state.phase != Phase::Ending;
        let state = self
            .filled
            .wait_while(state, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        let can_wait = |state: &mut State| !state.is_urgent && state.phase != Phase::Ending;
        let (mut state, _) = self
            .filled
            .wait_timeout_while(state, GATHER, can_wait)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.lines, lines);
        state.is_urgent = false;
        let unreported = std::mem::take(&mut state.unreported);
        (unreported, state.phase == Phase::Ending)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes lines, and remembers what it could not write.
#[derive(Debug)]
struct Writer<W> {
    out: W,
    format: LogFormat,
    /// Lines that are lost and not reported.
    lost: u64,
    /// The last write ended inside a line.
    is_torn: bool,
}

impl<W: Write> Writer<W> {
    /// Writes whole lines in pieces. Returns how many lines were lost.
    fn write(&mut self, mut lines: &[u8]) -> u64 {
        let mut lost = 0;
        while !lines.is_empty() {
            let (piece, rest) = lines.split_at(piece_end(lines));
            lost += self.write_piece(piece);
            lines = rest;
        }
        self.lost += lost;
        lost
    }

    /// Writes how many lines are lost, if any are and there is room again.
    fn report(&mut self) {
        if self.lost == 0 {
            return;
        }
        let mut line = LogLine::new(self.format, Level::WARN);
        line.text("message", "log lines were dropped");
        line.number("count", self.lost);
        if self.write_piece(&line.end("log")) == 0 {
            self.lost = 0;
        }
    }

    /// Writes one piece. Returns how many of its lines were not written to their end.
    fn write_piece(&mut self, piece: &[u8]) -> u64 {
        if self.is_torn && self.write_bytes(b"\n") < 1 {
            return ends_of_lines(piece);
        }
        let written = self.write_bytes(piece);
        let (before, after) = piece.split_at(written);
        self.is_torn = before.last().is_some_and(|last| *last != b'\n');
        ends_of_lines(after)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it sleeps on the thread of the log, which serves no request"
    )]
    /// Writes as much as it can. Returns how many bytes that was.
    fn write_bytes(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.out.write(rest) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(WOULD_BLOCK_PAUSE);
                }
                Err(_) => break,
            }
        }
        written
    }
}

/// Where the first piece of these lines ends: behind the last line that fits, or behind the first one if it is longer.
fn piece_end(lines: &[u8]) -> usize {
    let is_end = |byte: &u8| *byte == b'\n';
    let fitting = lines.get(..PIECE).unwrap_or(lines);
    let end = fitting.iter().rposition(is_end);
    let end = end.or_else(|| lines.iter().position(is_end));
    end.map_or(lines.len(), |end| end + 1)
}

fn ends_of_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests;
