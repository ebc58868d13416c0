//! Undoes escapes in a text, and remembers the place of each byte.

/// A byte of a text, and where the text has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The entities that escape markup in HTML and XML.
const ENTITIES: &[(&[u8], u8)] = &[
    (b"lt;", b'<'),
    (b"gt;", b'>'),
    (b"amp;", b'&'),
    (b"quot;", b'"'),
    (b"apos;", b'\''),
];

/// Returns a text as it is, in lower case.
pub(super) fn lowered(text: &[u8]) -> Vec<Unit> {
    let bytes = text.iter().enumerate();
    bytes
        .map(|(at, byte)| Unit {
            byte: byte.to_ascii_lowercase(),
            from: at,
            to: at + 1,
        })
        .collect()
}

/// Undoes one layer of escapes: `%41`, `\u0041`, `\x41`, `\"`, `&#65;`, `&lt;`, and `+` for a space. Drops everything
/// outside ASCII, which has too many forms to compare.
pub(super) fn decoded(units: &[Unit]) -> Vec<Unit> {
    let bytes: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
    let mut out = Vec::with_capacity(units.len());
    let mut rest = &bytes[..];
    while let Some((&first, after)) = rest.split_first() {
        let (length, code) = match first {
            b'%' => escape(after, 2, b"").unwrap_or((1, Some(first))),
            b'\\' => backslash(after),
            b'&' => entity(after).unwrap_or((1, Some(first))),
            b'+' => (1, Some(b' ')),
            _ => (1, Some(first)),
        };
        let at = bytes.len() - rest.len();
        let place = units.get(at).zip(units.get(at + length - 1));
        if let (Some(byte), Some((from, to))) = (code, place)
            && byte.is_ascii()
        {
            out.push(Unit {
                byte: byte.to_ascii_lowercase(),
                from: from.from,
                to: to.to,
            });
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// The length of an escape, with the byte that begins it, and the byte it stands for, if that is ASCII.
type Escape = (usize, Option<u8>);

/// Reads an escape with `before` and a fixed number of hexadecimal digits.
fn escape(after: &[u8], digits: usize, before: &[u8]) -> Option<Escape> {
    let written = after.strip_prefix(before)?.get(..digits)?;
    let length = 1 + before.len() + digits;
    Some((length, ascii(number(written, 16)?)))
}

/// Reads `\u0041`, `\u{41}` or `\x41`. Before anything else, the backslash alone is dropped.
fn backslash(after: &[u8]) -> Escape {
    let braced = || {
        let inside = after.strip_prefix(b"u{")?;
        let end = inside.iter().take(8).position(|b| *b == b'}')?;
        Some((end + 4, ascii(number(&inside[..end], 16)?)))
    };
    escape(after, 4, b"u")
        .or_else(|| escape(after, 2, b"x"))
        .or_else(braced)
        .unwrap_or((1, None))
}

/// Reads `&lt;`, `&#60;` or `&#x3c;`.
fn entity(after: &[u8]) -> Option<Escape> {
    for (name, byte) in ENTITIES {
        if after.starts_with(name) {
            return Some((1 + name.len(), Some(*byte)));
        }
    }
    let written = after.strip_prefix(b"#")?;
    let end = written.iter().take(10).position(|b| *b == b';')?;
    let digits = &written[..end];
    let code = match digits.strip_prefix(b"x") {
        Some(digits) => number(digits, 16)?,
        None => number(digits, 10)?,
    };
    Some((end + 3, ascii(code)))
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// Returns the byte of a character, if it is ASCII.
fn ascii(code: u32) -> Option<u8> {
    u8::try_from(code).ok().filter(u8::is_ascii)
}

/// Decodes Base64, up to the first invalid byte.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let (mut out, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.extend(u8::try_from(held >> bits & 0xff));
        }
    }
    out
}
