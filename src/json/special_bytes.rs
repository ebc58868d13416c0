//! Finds bytes that are not plain text, 64 bytes at a time.
//!
//! The method is from Langdale and Lemire (Parsing Gigabytes of JSON per Second, 3.1). Eight bytes at a time, with
//! integer arithmetic, made reading an image a quarter slower.

use wide::i8x16;

/// Iterates over the marked bytes of a text: quotes, backslashes, and everything outside printable ASCII.
#[derive(Clone, Copy)]
pub(crate) struct Marks<'a> {
    bytes: &'a [u8],
    /// The start of the current block.
    block: usize,
    /// The marks of the block that are left: one bit per byte, the lowest for the first byte.
    bits: u64,
}

const BLOCK: usize = 64;

impl<'a> Marks<'a> {
    #[inline(always)]
    pub(crate) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        Self {
            bytes,
            block: 0,
            bits: look(bytes),
        }
    }

    /// Returns the place of the next mark.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<usize> {
        while self.bits == 0 {
            self.go_on()?;
        }
        let at = self.block + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(at)
    }

    /// Returns the place of the next mark at or after `place`.
    #[inline(always)]
    pub(crate) fn next_from(&mut self, place: usize) -> Option<usize> {
        loop {
            let at = self.next()?;
            if at >= place {
                return Some(at);
            }
        }
    }

    #[inline(always)]
    fn go_on(&mut self) -> Option<()> {
        self.block += BLOCK;
        self.bits = look(self.bytes.get(self.block..)?);
        Some(())
    }
}

/// Whether a JSON string of this text needs no escapes: it has only printable ASCII, no quote and no backslash.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (quarters, rest) = bytes.as_chunks();
    // Some of the last 16 bytes may have been checked already, which does no harm.
    let rest = match bytes.last_chunk() {
        Some(last) => marks_of_quarter(last) == 0,
        None => rest.iter().all(|byte| !is_marked(*byte)),
    };
    rest && quarters
        .iter()
        .all(|quarter| marks_of_quarter(quarter) == 0)
}

/// Whether a byte needs an escape in a JSON string.
#[must_use]
pub fn is_marked(byte: u8) -> bool {
    !(b' '..=b'~').contains(&byte) || matches!(byte, b'"' | b'\\')
}

/// Returns the marks of the block at the start of these bytes.
#[inline(never)]
fn look(bytes: &[u8]) -> u64 {
    if let Some(block) = bytes.first_chunk() {
        return marks(block);
    }
    let mut block = [b' '; BLOCK];
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = *from;
    }
    marks(&block)
}

#[inline]
fn marks(block: &[u8; BLOCK]) -> u64 {
    let (quarters, _) = block.as_chunks();
    quarters.iter().rev().fold(0, |bits, quarter| {
        bits << 16 | u64::from(marks_of_quarter(quarter))
    })
}

/// Returns a bit for each of 16 bytes.
#[inline]
fn marks_of_quarter(bytes: &[u8; 16]) -> u32 {
    let bytes = i8x16::from(bytes.map(u8::cast_signed));
    let all = |byte: u8| i8x16::splat(byte.cast_signed());
    // As signed numbers, bytes beyond ASCII are negative, and so is one more than DEL.
    let is_odd = (bytes + all(1)).simd_lt(all(b' ' + 1));
    let is_mark = bytes.simd_eq(all(b'"')) | bytes.simd_eq(all(b'\\')) | is_odd;
    is_mark.to_bitmask()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Marks, is_marked, is_plain};

    #[test]
    fn every_byte_of_ascii_is_marked_or_not() {
        for byte in 0..=127 {
            for at in [0, 15, 16, 63, 64, 100] {
                let mut text = "a".repeat(at);
                text.push(char::from(byte));
                let marked = is_marked(byte).then_some(at);
                assert_eq!(Marks::new(&text).next(), marked, "{byte:#x} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn text_is_plain_where_nothing_is_marked(text in "[ -~&&[^\"\\\\]]{0,70}(\\PC|[\"\\\\])?[ -~&&[^\"\\\\]]{0,40}") {
            prop_assert_eq!(is_plain(&text), !text.bytes().any(is_marked));
        }

        #[test]
        fn marks_are_found_in_their_order(text in "(a{0,70}|\\PC|[\"\\\\]|[\\x00-\\x7f]){0,9}", steps in proptest::collection::vec(0usize..30, 1..20)) {
            let mut marks = Marks::new(&text);
            let bytes = text.bytes().enumerate();
            let mut marked = bytes.filter(|(_, byte)| is_marked(*byte)).map(|(at, _)| at);
            let mut from = 0;
            for step in steps {
                prop_assert_eq!(marks.next_from(from), marked.find(|at| *at >= from));
                from += step;
            }
        }
    }
}
