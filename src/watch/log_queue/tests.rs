#![expect(clippy::disallowed_methods, reason = "these threads serve no request")]

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{CAPACITY, LogQueue, PIECE, Phase};

/// A standard error that takes as many bytes as it is allowed to, and blocks or fails when it is full.
#[derive(Clone, Default)]
struct Out(Arc<(Mutex<OutState>, Condvar)>);

#[derive(Default)]
struct OutState {
    /// How many more bytes are taken; `None`: any number.
    room: Option<usize>,
    /// Without room, a write blocks; else it fails.
    blocks: bool,
    /// Each write on its own.
    writes: Vec<Vec<u8>>,
}

impl Out {
    fn with(room: Option<usize>, blocks: bool) -> Self {
        let out = Self::default();
        out.set(room, blocks);
        out
    }

    fn set(&self, room: Option<usize>, blocks: bool) {
        let mut state = self.0.0.lock().unwrap();
        state.room = room;
        state.blocks = blocks;
        self.0.1.notify_all();
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().writes.concat()).unwrap()
    }

    fn wait_for(&self, text: &str) -> String {
        let start = Instant::now();
        while !self.text().contains(text) {
            assert!(start.elapsed() < Duration::from_secs(10), "{}", self.text());
            thread::sleep(Duration::from_millis(2));
        }
        self.text()
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (state, changed) = &*self.0;
        let is_full = |state: &mut OutState| state.room == Some(0) && state.blocks;
        let mut state = changed.wait_while(state.lock().unwrap(), is_full).unwrap();
        let taken = state.room.map_or(bytes.len(), |room| room.min(bytes.len()));
        if taken == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        if let Some(room) = &mut state.room {
            *room -= taken;
        }
        state.writes.push(bytes[..taken].to_vec());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A queue whose thread runs until the end of the test.
fn started(out: &Out) -> (Arc<LogQueue>, thread::JoinHandle<()>) {
    let queue = Arc::new(LogQueue::new());
    queue.state().phase = Phase::Running;
    let (running, out) = (Arc::clone(&queue), out.clone());
    (queue, thread::spawn(move || running.run(out)))
}

/// Line number `n`, of `length` bytes.
fn line(n: usize, length: usize) -> Vec<u8> {
    format!("{n:0width$}\n", width = length - 1).into_bytes()
}

/// How many lines a report says were dropped, over all reports.
fn reported(text: &str) -> u64 {
    let reports = text.lines().filter(|line| line.contains("dropped"));
    let counts = reports.map(|line| {
        let report: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&report["level"], &report["target"]),
            (&"WARN".into(), &"log".into())
        );
        report["count"].as_u64().unwrap()
    });
    counts.sum()
}

/// How many other lines there are.
fn written(text: &str) -> u64 {
    text.lines()
        .filter(|line| !line.contains("dropped"))
        .count() as u64
}

#[test]
fn lines_are_written_in_their_order_and_all_of_them_at_the_end() {
    let out = Out::default();
    let (queue, thread) = started(&out);
    let lines: Vec<_> = (0..1000).map(|n| line(n, 100)).collect();
    for (n, line) in lines.iter().enumerate() {
        queue.take(line, n % 100 != 0);
    }
    queue.end();
    assert_eq!(out.text().into_bytes(), lines.concat());
    assert_eq!(queue.dropped(), 0);
    thread.join().unwrap();
    // The process goes on for a moment, and nothing waits for these lines.
    queue.take(b"late\n", false);
    queue.end();
}

#[test]
fn lines_that_can_wait_are_written_together() {
    let out = Out::default();
    let (queue, _thread) = started(&out);
    for n in 0..30 {
        queue.take(&line(n, 100), true);
    }
    out.wait_for("29\n");
    assert!(out.0.0.lock().unwrap().writes.len() < 10);
}

#[test]
fn no_piece_is_longer_than_a_pipe_takes_whole() {
    let out = Out::default();
    let (queue, thread) = started(&out);
    let long = line(7, 2 * PIECE);
    for n in 0..200 {
        queue.take(&line(n, 150), true);
    }
    queue.take(&long, true);
    queue.take(b"last\n", true);
    queue.end();
    thread.join().unwrap();
    let state = out.0.0.lock().unwrap();
    for piece in &state.writes {
        assert!(piece.ends_with(b"\n"));
        assert!(piece.len() <= PIECE || *piece == long, "{}", piece.len());
    }
}

#[test]
fn a_reader_that_stops_blocks_nobody_and_each_lost_line_is_counted() {
    let out = Out::with(Some(10_000), true);
    let (queue, thread) = started(&out);
    let takers = 4;
    thread::scope(|scope| {
        for taker in 0..takers {
            let queue = &queue;
            scope.spawn(move || {
                for n in 0..CAPACITY / 100 {
                    queue.take(&line(taker * CAPACITY + n, 100), n % 7 != 0);
                }
            });
        }
    });
    let taken = (takers * (CAPACITY / 100)) as u64;
    let dropped = queue.dropped();
    assert!(dropped > taken / 4, "{dropped} of {taken}");
    // There is a reader again.
    out.set(None, true);
    let text = out.wait_for("log lines were dropped");
    assert_eq!(reported(&text), dropped);
    assert_eq!(written(&text) + dropped, taken);
    queue.take(b"after\n", false);
    queue.end();
    thread.join().unwrap();
    assert!(out.text().ends_with("after\n"));
    assert_eq!(reported(&out.text()), dropped, "a loss is reported once");
}

#[test]
fn the_end_does_not_wait_for_a_reader_that_stopped() {
    let out = Out::with(Some(0), true);
    let (queue, _thread) = started(&out);
    queue.take(b"1\n", false);
    let start = Instant::now();
    queue.end();
    assert!(start.elapsed() < Duration::from_secs(5));
    out.set(None, true);
}

#[test]
fn a_full_disk_tears_no_later_line_and_the_loss_is_reported() {
    let out = Out::with(Some(250), false);
    let (queue, thread) = started(&out);
    for n in 0..10 {
        queue.take(&line(n, 100), true);
    }
    let start = Instant::now();
    while queue.dropped() < 8 {
        assert!(start.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(2));
    }
    queue.take(b"lost\n", false);
    while queue.dropped() < 9 {
        assert!(start.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(2));
    }
    out.set(None, false);
    queue.take(b"kept\n", false);
    queue.end();
    thread.join().unwrap();
    let text = out.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[2].len(), 50, "half a line stays half a line");
    assert!(lines[3].contains("log lines were dropped"));
    assert_eq!(lines[4], "kept");
    assert_eq!(reported(&text), 9);
}
