//! Where the lines of the log go out.
//!
//! A write to standard error is a system call, and costs more than all that is in the line. So the lines of requests
//! are gathered, and written before the thread that brought the last of them sleeps: at once when there is little to
//! do, many together when there is much. No other line waits, nor does one overtake another.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How much is gathered at most. Of a pipe that is shared with other writers, no more than this is written in one
/// piece (`PIPE_BUF`), so that no line of theirs comes to stand within one of ours.
const LIMIT: usize = 4096;

thread_local! {
    /// Whether this thread lets waiting lines out before it sleeps.
    static FLUSHES_BEFORE_SLEEP: Cell<bool> = const { Cell::new(false) };
}

/// Lines on their way to what `open` opens.
#[derive(Debug)]
pub(crate) struct LineWriter<F> {
    open: F,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// Whole lines.
    lines: Vec<u8>,
    /// Nobody will come for lines that wait.
    is_over: bool,
}

impl<F, W> LineWriter<F>
where
    F: Fn() -> W,
    W: Write,
{
    /// A writer in which nothing waits.
    pub(crate) const fn new(open: F) -> Self {
        Self {
            open,
            waiting: Mutex::new(Waiting {
                lines: Vec::new(),
                is_over: false,
            }),
        }
    }

    /// Takes a whole line, which goes out at once unless it `can_wait`. It never waits on a thread that has yet to show
    /// that it comes for it: see [`LineWriter::before_sleep`].
    pub(crate) fn take(&self, line: &[u8], can_wait: bool) {
        let mut waiting = self.waiting();
        if waiting.lines.len() + line.len() > LIMIT {
            self.flush(&mut waiting);
        }
        waiting.lines.extend_from_slice(line);
        if !can_wait || waiting.is_over || !FLUSHES_BEFORE_SLEEP.get() {
            self.flush(&mut waiting);
        }
    }

    /// Lets out what waits. A thread that calls this calls it again before each time that it sleeps.
    pub(crate) fn before_sleep(&self) {
        FLUSHES_BEFORE_SLEEP.set(true);
        self.flush(&mut self.waiting());
    }

    /// Lets out what waits, and from now on every line at once.
    pub(crate) fn end(&self) {
        let mut waiting = self.waiting();
        waiting.is_over = true;
        self.flush(&mut waiting);
    }

    /// What cannot be written is lost: nobody is left to tell.
    fn flush(&self, waiting: &mut Waiting) {
        if !waiting.lines.is_empty() {
            let _ = (self.open)().write_all(&waiting.lines);
            waiting.lines.clear();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The program's own.
pub(crate) static STDERR: LineWriter<fn() -> io::Stderr> = LineWriter::new(io::stderr);

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::{LIMIT, LineWriter};

    /// Every write on its own.
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<Vec<String>>>);

    impl Writes {
        fn line_writer(&self) -> LineWriter<impl Fn() -> Self> {
            let writes = self.clone();
            LineWriter::new(move || writes.clone())
        }

        fn all(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.lock().unwrap().push(text);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_wait_only_on_a_thread_that_comes_for_them() {
        let writes = Writes::default();
        let line_writer = writes.line_writer();
        line_writer.take(b"1\n", true);
        assert_eq!(writes.all(), ["1\n"]);
        line_writer.before_sleep();
        line_writer.take(b"2\n", true);
        line_writer.take(b"3\n", true);
        assert_eq!(writes.all(), ["1\n"]);
        line_writer.before_sleep();
        line_writer.before_sleep();
        assert_eq!(writes.all(), ["1\n", "2\n3\n"]);
        line_writer.take(b"4\n", true);
        std::thread::scope(|scope| {
            scope
                .spawn(|| line_writer.take(b"5\n", true))
                .join()
                .unwrap();
        });
        assert_eq!(writes.all(), ["1\n", "2\n3\n", "4\n5\n"]);
    }

    #[test]
    fn other_lines_do_not_wait_and_do_not_overtake() {
        let writes = Writes::default();
        let line_writer = writes.line_writer();
        line_writer.before_sleep();
        line_writer.take(b"1\n", true);
        line_writer.take(b"urgent\n", false);
        line_writer.take(b"2\n", true);
        assert_eq!(writes.all().concat(), "1\nurgent\n");
        line_writer.before_sleep();
        assert_eq!(writes.all().concat(), "1\nurgent\n2\n");
    }

    #[test]
    fn no_write_is_longer_than_a_pipe_takes_whole() {
        let writes = Writes::default();
        let line_writer = writes.line_writer();
        line_writer.before_sleep();
        let lines: Vec<_> = (0..100).map(|n| format!("{n:0200}\n")).collect();
        for line in &lines {
            line_writer.take(line.as_bytes(), true);
        }
        assert!(!writes.all().is_empty());
        line_writer.before_sleep();
        assert_eq!(writes.all().concat(), lines.concat());
        let is_whole = |piece: &String| piece.len() <= LIMIT && piece.ends_with('\n');
        assert!(writes.all().iter().all(is_whole));
        let long = "x".repeat(2 * LIMIT);
        line_writer.take(long.as_bytes(), true);
        line_writer.before_sleep();
        assert_eq!(writes.all().last(), Some(&long));
    }

    #[test]
    fn nothing_waits_after_the_end() {
        let writes = Writes::default();
        let line_writer = writes.line_writer();
        line_writer.before_sleep();
        line_writer.take(b"1\n", true);
        line_writer.end();
        line_writer.take(b"2\n", true);
        assert_eq!(writes.all(), ["1\n", "2\n"]);
    }

    #[test]
    fn what_cannot_be_written_is_no_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let line_writer = LineWriter::new(|| Closed);
        line_writer.take(b"1\n", false);
        line_writer.before_sleep();
        line_writer.take(b"2\n", true);
        line_writer.end();
    }
}
