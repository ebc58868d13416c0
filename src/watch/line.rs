//! A line of the log: one JSON object, the fields of an event beside its time, level and target.
//!
//! It is written straight into the line. The formatter that comes with the log does it by way of a serializer, which
//! took a fifth of all the time that a request that passes through takes.

use std::fmt::{self, Debug, Write};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Writes events as lines.
#[derive(Debug)]
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        write!(
            line,
            "{{\"timestamp\":\"{:.6}\",\"level\":\"",
            Timestamp::now()
        )?;
        line.write_str(metadata.level().as_str())?;
        line.write_char('"')?;
        let mut fields = Fields {
            line: &mut line,
            written: Ok(()),
        };
        event.record(&mut fields);
        fields.written?;
        line.write_str(",\"target\":\"")?;
        Escaped(&mut line).write_str(metadata.target())?;
        line.write_str("\"}\n")
    }
}

/// Writes each field as a member of an object that has members already.
struct Fields<'l, 'w> {
    line: &'l mut Writer<'w>,
    written: fmt::Result,
}

impl Fields<'_, '_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let line = &mut *self.line;
        let mut write = || {
            line.write_str(",\"")?;
            line.write_str(field.name())?;
            line.write_str("\":")
        };
        if self.written.is_ok() {
            self.written = write().and_then(|()| value(self.line));
        }
    }

    fn text(&mut self, field: &Field, value: impl FnOnce(&mut Escaped<'_, '_>) -> fmt::Result) {
        self.member(field, |line| {
            line.write_char('"')?;
            value(&mut Escaped(line))?;
            line.write_char('"')
        });
    }
}

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, |text| text.write_str(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, |text| write!(text, "{value:?}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |line| write!(line, "{value}"));
    }
}

/// Writes what stands between the quotes of a JSON string.
struct Escaped<'l, 'w>(&'l mut Writer<'w>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_odd = |byte: u8| !(b' '..=b'~').contains(&byte) || matches!(byte, b'"' | b'\\');
        // Nearly all text is plain, which is seen quicker where nothing stops the look.
        if !text.bytes().fold(false, |odd, byte| odd | is_odd(byte)) {
            return self.0.write_str(text);
        }
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
            let (plain, odd) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut chars = odd.chars();
            match chars.next() {
                Some(c @ ('"' | '\\')) => write!(self.0, "\\{c}")?,
                Some(c) => write!(self.0, "\\u{:04x}", u32::from(c))?,
                None => {}
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tracing_subscriber::fmt::MakeWriter;

    use super::Json;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'w> MakeWriter<'w> for Lines {
        type Writer = Self;
        fn make_writer(&'w self) -> Self {
            self.clone()
        }
    }

    /// The line that is written by what `tell` does.
    fn line(tell: impl FnOnce()) -> Value {
        let lines = Lines::default();
        let log = tracing_subscriber::fmt()
            .event_format(Json)
            .with_writer(lines.clone())
            .finish();
        tracing::subscriber::with_default(log, tell);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(!text.trim_end().contains(char::is_control), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn fields_stand_beside_time_level_and_target() {
        let mut line = line(|| {
            tracing::warn!(target: "t", number = 7_u64, less = -7, is = true, none = None::<u64>, shown = %1.5, "said");
        });
        let time = line["timestamp"].take();
        let time = time.as_str().unwrap();
        assert_eq!(
            (time.len(), &time[10..11], &time[26..]),
            (27, "T", "Z"),
            "{time}"
        );
        assert_eq!(
            line,
            json!({"timestamp": null, "level": "WARN", "message": "said", "number": 7, "less": -7, "is": true,
                "shown": "1.5", "target": "t"})
        );
    }

    proptest! {
        #[test]
        fn any_text_is_one_line_and_reads_back(text in "\\PC*|[\\x00-\\xff]*") {
            let line = line(|| tracing::info!(text, debugged = ?text));
            prop_assert_eq!(&line["text"], &json!(text));
            prop_assert_eq!(&line["debugged"], &json!(format!("{text:?}")));
        }
    }
}
