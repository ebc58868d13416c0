//! Undoes what texts are escaped with, and remembers where each byte stood.

/// A byte of a text, and where in the text it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) byte: u8,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The entities of HTML and XML that escape markup.
const ENTITIES: &[(&[u8], u8)] = &[
    (b"lt;", b'<'),
    (b"gt;", b'>'),
    (b"amp;", b'&'),
    (b"quot;", b'"'),
    (b"apos;", b'\''),
];

/// A text as it is, in small letters.
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

/// The same with one layer of escapes undone: `%41`, `\u0041`, `\x41`, `\"`, `&#65;`, `&lt;`, and `+` for a blank. What is
/// not ASCII is left out, since it has too many forms to compare.
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

/// What an escape stands for: how long it is with the byte that begins it, and its byte, if that is one of ASCII.
type Escape = (usize, Option<u8>);

/// So many hexadecimal digits between this and the end.
fn escape(after: &[u8], digits: usize, before: &[u8]) -> Option<Escape> {
    let written = after.strip_prefix(before)?.get(..digits)?;
    let length = 1 + before.len() + digits;
    Some((length, ascii(number(written, 16)?)))
}

/// `\u0041`, `\u{41}`, `\x41`; before anything else a backslash only protects it.
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

/// `&lt;`, `&#60;`, `&#x3c;`.
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

/// The number that these digits are.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// The byte of a character, if it is one of ASCII.
fn ascii(code: u32) -> Option<u8> {
    u8::try_from(code).ok().filter(u8::is_ascii)
}

/// What a text in Base64 says, as far as it is one.
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
