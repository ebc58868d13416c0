//! Splits a page of images into its elements while it streams.
//!
//! Both dialects wrap a page as an object whose `images` member is an array. [`Splitter`] cuts that array into its
//! elements while the page arrives, in frames of any size, and holds at most one element. The receiver parses the
//! elements, and so finds errors inside them. Nearly all elements lie within one frame, and a receiver that parses one
//! of those also finds its end, so the splitter does not search for it first. It finds the boundaries of elements that
//! span frames or cannot be parsed.

use memchr::memchr2;

/// Splits a page into elements.
#[derive(Debug)]
pub struct Splitter {
    state: State,
    /// The part of the current element or key that is in earlier frames.
    carry: Vec<u8>,
    depth: u32,
    in_string: bool,
    escaped: bool,
    max_element: usize,
    /// The length of the last element. If fewer bytes are left in a frame, the next element is probably incomplete.
    usual: usize,
    seen_images: bool,
    envelope: Envelope,
}

/// The members of a page other than its images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The names of the members that are neither `images` nor null.
    members: Vec<String>,
    /// The members that contain links.
    links: Vec<Links>,
}

/// A member with links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Links {
    name: String,
    /// The value; `None` if it is too long to be kept.
    json: Option<Vec<u8>>,
}

impl Envelope {
    /// Whether the page has this member and it is not null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|is| is == name)
    }

    /// Returns the values of the members with this name as JSON, if the name ends with `links`. `None` stands for a
    /// value that is too long to be a list of links.
    pub fn links(&self, name: &str) -> impl Iterator<Item = Option<&[u8]>> {
        let named = self.links.iter().filter(move |links| links.name == name);
        named.map(|links| links.json.as_deref())
    }
}

/// An element of a page, as the receiver gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// This text begins with the element, which may be incomplete. The receiver returns the element's length, or 0 to
    /// get it as [`Element::Whole`] later.
    Begun(&'a str),
    /// The whole element. What the receiver returns does not matter.
    Whole(&'a [u8]),
}

/// Why a page cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say it")]
pub enum PageError {
    #[error("the page is not a JSON object of the form {{\"images\": [...]}}")]
    Malformed,
    #[error("the page ends in the middle")]
    CutOff,
    #[error("the page has no images")]
    NoImages,
    #[error("an element of the page is longer than the limit")]
    ElementTooLong,
}

/// Why splitting stopped.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop<E> {
    /// The page is broken.
    Page(PageError),
    /// The receiver of the elements stopped it.
    Receiver(E),
}

/// The maximum number of members; no Glance or Nova sends more.
const MAX_MEMBERS: usize = 64;
/// The maximum length of a member's name, in bytes.
const MAX_NAME: usize = 256;
/// The maximum length of a value with links that is kept, in bytes.
const MAX_LINKS: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    NameOrEnd,
    Name,
    NameOnly,
    Colon,
    Value,
    Skipping,
    /// Skips a value and keeps it as links.
    Keeping,
    ElementOrEnd,
    ElementOnly,
    Element,
    AfterElement,
    AfterValue,
    Done,
}

impl Splitter {
    /// Makes a splitter for one page, which refuses elements longer than `max_element` bytes.
    #[must_use]
    pub fn new(max_element: usize) -> Self {
        Self {
            state: State::Start,
            carry: Vec::new(),
            depth: 0,
            in_string: false,
            escaped: false,
            max_element,
            usual: 0,
            seen_images: false,
            envelope: Envelope::default(),
        }
    }

    /// Takes the next bytes of the page, and gives each element that they complete to `each`.
    ///
    /// # Errors
    /// When the page is malformed, or the error of `each`. After an error, `push` must not be called again.
    pub fn push<E>(
        &mut self,
        frame: &[u8],
        mut each: impl FnMut(Element<'_>) -> Result<usize, E>,
    ) -> Result<(), Stop<E>> {
        let mut at = 0;
        // Where the first element of the frame begins, and the text from there on.
        let mut begun = None;
        while at < frame.len() {
            at = match self.state {
                State::Element if self.carry.is_empty() && frame.len() - at >= self.usual => {
                    let (from, text) = *begun.get_or_insert_with(|| (at, text(&frame[at..])));
                    let text = text.get(at - from..).unwrap_or_default();
                    match each(Element::Begun(text)).map_err(Stop::Receiver)? {
                        0 => self.element(frame, at, &mut each)?,
                        length => self.pass(at, length).map_err(Stop::Page)?,
                    }
                }
                State::Element => self.element(frame, at, &mut each)?,
                State::Skipping | State::Keeping => self.skip(frame, at).map_err(Stop::Page)?,
                State::Name => self.name(frame, at).map_err(Stop::Page)?,
                _ => self.structure(frame, at).map_err(Stop::Page)?,
            };
        }
        Ok(())
    }

    /// Ends the page and returns its other members.
    ///
    /// # Errors
    /// When the page is not complete, or had no `images`.
    pub fn finish(self) -> Result<Envelope, PageError> {
        match self.state {
            State::Done if self.seen_images => Ok(self.envelope),
            State::Done => Err(PageError::NoImages),
            _ => Err(PageError::CutOff),
        }
    }

    /// Handles one byte between values.
    fn structure(&mut self, frame: &[u8], at: usize) -> Result<usize, PageError> {
        let byte = frame[at];
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Ok(at + 1);
        }
        self.state = match (self.state, byte) {
            (State::Start, b'{') => State::NameOrEnd,
            (State::NameOrEnd | State::AfterValue, b'}') => State::Done,
            (State::NameOrEnd | State::NameOnly, b'"') => State::Name,
            (State::Colon, b':') => State::Value,
            (State::Value, _) => return self.begin_value(byte, at),
            (State::AfterValue, b',') => State::NameOnly,
            (State::ElementOrEnd | State::AfterElement, b']') => State::AfterValue,
            (State::AfterElement, b',') => State::ElementOnly,
            (State::ElementOrEnd | State::ElementOnly, b'{') => {
                self.carry.clear();
                self.depth = 0;
                self.state = State::Element;
                return Ok(at);
            }
            _ => return Err(PageError::Malformed),
        };
        Ok(at + 1)
    }

    /// Handles the first byte of a member's value. `carry` contains the member's name.
    fn begin_value(&mut self, byte: u8, at: usize) -> Result<usize, PageError> {
        if self.carry == b"images" {
            if byte != b'[' || self.seen_images {
                return Err(PageError::Malformed);
            }
            self.seen_images = true;
            self.state = State::ElementOrEnd;
            return Ok(at + 1);
        }
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'"' | b'{' | b'[' | b'-')) {
            return Err(PageError::Malformed);
        }
        self.state = State::Skipping;
        if byte != b'n' {
            if self.envelope.members.len() == MAX_MEMBERS {
                return Err(PageError::Malformed);
            }
            let name = String::from_utf8_lossy(&self.carry).into_owned();
            if name.ends_with("links") {
                self.state = State::Keeping;
                self.envelope.links.push(Links {
                    name: name.clone(),
                    json: Some(Vec::new()),
                });
            }
            self.envelope.members.push(name);
        }
        self.depth = 0;
        Ok(at)
    }

    /// Collects a member's name without its quotes.
    fn name(&mut self, frame: &[u8], at: usize) -> Result<usize, PageError> {
        if !self.in_string {
            self.carry.clear();
            self.in_string = true;
        }
        let end = self.string_end(frame, at);
        let upto = end.unwrap_or(frame.len());
        self.carry.extend_from_slice(&frame[at..upto]);
        if self.carry.len() > MAX_NAME {
            return Err(PageError::Malformed);
        }
        if end.is_some() {
            self.carry = plain(std::mem::take(&mut self.carry));
            self.state = State::Colon;
            return Ok(upto + 1);
        }
        Ok(upto)
    }

    /// Skips a value, or keeps its text as links.
    fn skip(&mut self, frame: &[u8], at: usize) -> Result<usize, PageError> {
        let keeps = self.state == State::Keeping;
        let end = self.skip_upto(frame, at)?;
        if keeps {
            self.keep(&frame[at..end]);
        }
        Ok(end)
    }

    fn keep(&mut self, part: &[u8]) {
        let Some(links) = self.envelope.links.last_mut() else {
            return;
        };
        links.json = links.json.take().and_then(|mut json| {
            json.extend_from_slice(part);
            (json.len() <= MAX_LINKS).then_some(json)
        });
    }

    fn skip_upto(&mut self, frame: &[u8], at: usize) -> Result<usize, PageError> {
        let mut at = at;
        while at < frame.len() {
            if self.in_string {
                at = self
                    .string_end(frame, at)
                    .map_or(frame.len(), |quote| quote + 1);
                continue;
            }
            match frame[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => self.depth -= 1,
                b',' | b'}' if self.depth == 0 => {
                    self.state = State::AfterValue;
                    return Ok(at);
                }
                b']' => return Err(PageError::Malformed),
                _ => {}
            }
            at += 1;
        }
        Ok(at)
    }

    /// Moves past the current element, which the receiver has read in place.
    fn pass(&mut self, from: usize, length: usize) -> Result<usize, PageError> {
        if length > self.max_element {
            return Err(PageError::ElementTooLong);
        }
        self.usual = length;
        self.state = State::AfterElement;
        Ok(from + length)
    }

    /// Reads the current element, up to its last brace or the end of the frame.
    fn element<E>(
        &mut self,
        frame: &[u8],
        from: usize,
        each: &mut impl FnMut(Element<'_>) -> Result<usize, E>,
    ) -> Result<usize, Stop<E>> {
        let end = self.element_end(frame, from);
        let part = &frame[from..end.unwrap_or(frame.len())];
        if self.carry.len() + part.len() > self.max_element {
            return Err(Stop::Page(PageError::ElementTooLong));
        }
        let Some(end) = end else {
            self.carry.extend_from_slice(part);
            return Ok(frame.len());
        };
        self.state = State::AfterElement;
        self.usual = self.carry.len() + part.len();
        if self.carry.is_empty() {
            each(Element::Whole(part)).map_err(Stop::Receiver)?;
        } else {
            self.carry.extend_from_slice(part);
            each(Element::Whole(&self.carry)).map_err(Stop::Receiver)?;
        }
        Ok(end)
    }

    /// Returns the index after the last brace of the current element, if this frame has it.
    fn element_end(&mut self, frame: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while at < frame.len() {
            if self.in_string {
                at = self.string_end(frame, at)? + 1;
                continue;
            }
            match frame[at] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// Returns the index of the quote that ends the current string, if this frame has it.
    fn string_end(&mut self, frame: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        if self.escaped && at < frame.len() {
            self.escaped = false;
            at += 1;
        }
        while let Some(offset) = memchr2(b'"', b'\\', frame.get(at..)?) {
            at += offset;
            if frame[at] == b'"' {
                self.in_string = false;
                return Some(at);
            }
            at += 2;
            self.escaped = at > frame.len();
        }
        None
    }
}

/// Removes the escapes of a name. A name that is not valid text is kept as it is spelled; it cannot match a known name.
fn plain(name: Vec<u8>) -> Vec<u8> {
    if !name.contains(&b'\\') {
        return name;
    }
    let quoted = [b"\"", &*name, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).map_or(name, String::into_bytes)
}

/// Returns the valid text at the start of the bytes. A character may be cut off at their end.
fn text(bytes: &[u8]) -> &str {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.valid_up_to(),
    };
    std::str::from_utf8(&bytes[..valid]).unwrap_or_default()
}

#[cfg(test)]
mod tests;
