//! The type of a row of [`KEYS`], and the questions that are asked of a row.

use http::Method;

use super::{Compat, KEYS, MicroversionHeaders, Release};

/// A difference between releases of Nova: one row of [`KEYS`].
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name in `[compat]`; `None` if only the release decides.
    pub name: Option<&'static str>,
    /// The explanation in the settings reference.
    pub meaning: &'static str,
    /// The values that it can have. [`Compat::default`] holds the default.
    pub values: Values,
    /// The default in the settings reference, if the rest of the row does not determine it.
    pub default: Option<&'static str>,
    /// The behaviour of older releases: the last release that has it, and the word for it. Oldest first.
    pub until: &'static [(Release, &'static str)],
    /// The word that `literal = true` chooses, and the releases in which it does. This is for rows that are not a
    /// [`Values::Mistake`]; the operator can choose the word in every other release too.
    pub literal: Option<(InRelease, &'static str)>,
    /// Whether the other settings allow the mistake. A mistake that is set but not allowed has no effect.
    pub needs: fn(&Compat) -> bool,
    /// The lines about it in the table of releases and in `explain`. Each word has one text for each line.
    pub rules: &'static [Rule],
}

/// Whether the release has a behaviour.
pub type InRelease = fn(Release) -> bool;

/// The values of a key.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// Exactly one of several words.
    OneOf(&'static [Word]),
    /// A mistake that some releases make: which releases make it, and the words for the correct behaviour and for the
    /// mistake. No setting makes the other releases imitate it.
    Mistake(InRelease, &'static [Word; 2]),
    /// `false` or `true`. A third word can hold only while the key is not set.
    Flag(&'static [Word]),
    /// Any number of several words.
    AnyOf {
        /// The words. Each adds itself.
        words: &'static [Word],
        /// Removes all of them.
        clear: fn(&mut Compat),
    },
    /// A whole number.
    Count {
        /// The smallest value that is allowed.
        least: u64,
        /// The text for 0, if 0 is not an ordinary number.
        zero: Option<&'static str>,
        /// Returns the value.
        get: fn(&Compat) -> u64,
        /// Sets the value.
        set: fn(&mut Compat, u64),
    },
    /// The highest microversion. It is the only value whose default depends on which services are configured.
    HighestMicroversion,
}

/// A word that a key can be set to.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The word in the configuration file.
    pub name: &'static str,
    /// The effect, as one text for each of the key's rules.
    pub shown: &'static [&'static str],
    /// Applies it.
    pub set: fn(&mut Compat),
}

/// A line about a key in the table of releases and in `explain`.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The subject, in a few words.
    pub about: &'static str,
    /// The requests that it applies to.
    pub concerns: Concerns,
}

/// The requests that a rule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// Lists.
    Lists,
    /// Lists whose query has a parameter that begins with this text.
    Parameter(&'static str),
    /// Every image request.
    Images,
    /// Image requests that do not read.
    Writes,
    /// Every request, discovery included.
    All,
}

/// The source of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The key is not set, and neither release nor vendor decides.
    Default,
    /// The named `release`.
    Release(&'static str),
    /// The named `vendor`.
    Vendor(&'static str),
    /// `literal`.
    Literal,
    /// The setting of that name.
    Setting,
}

impl Key {
    /// Returns the words that it can be set to. The list is empty if its values are not words.
    #[must_use]
    pub(crate) fn words(&self) -> &'static [Word] {
        match self.values {
            Values::OneOf(words) | Values::Flag(words) | Values::AnyOf { words, .. } => words,
            Values::Mistake(_, words) => words,
            Values::Count { .. } | Values::HighestMicroversion => &[],
        }
    }

    /// Whether it switches one of Nova's mistakes on and off.
    #[must_use]
    pub(crate) fn is_mistake(&self) -> bool {
        matches!(self.values, Values::Mistake(..))
    }

    /// Sets the key to one of its words. A mistake that the release does not make stays off.
    pub(crate) fn choose(&self, word: &str, compat: &mut Compat) {
        let chosen = match self.values {
            Values::Mistake(made_by, words) if !made_by(compat.release) => words.first(),
            _ => self.words().iter().find(|known| known.name == word),
        };
        if let Some(chosen) = chosen {
            (chosen.set)(compat);
        }
    }

    /// Sets the key to the behaviour of the release, if it differs from that of modern Novas.
    pub(super) fn apply_release(&self, compat: &mut Compat) {
        let release = compat.release;
        if let Some((_, word)) = self.until.iter().find(|(last, _)| release <= *last) {
            self.choose(word, compat);
        }
    }

    /// Sets the key to the literal behaviour of the release. A value that a vendor decided is kept.
    pub(super) fn apply_literal(&self, compat: &mut Compat) {
        let is_of_release = || self.value(compat) == self.value(&Compat::of(compat.release));
        if let Some((does, word)) = self.literal_word()
            && does(compat.release)
            && (self.is_mistake() || is_of_release())
        {
            self.choose(word, compat);
        }
    }

    /// Returns the word that `literal = true` chooses, and the releases in which it does.
    pub(crate) fn literal_word(&self) -> Option<(InRelease, &'static str)> {
        match self.values {
            Values::Mistake(made_by, [_, mistake]) => Some((made_by, mistake.name)),
            _ => self.literal,
        }
    }

    /// Returns the current value, as TOML.
    #[must_use]
    pub(crate) fn value(&self, compat: &Compat) -> String {
        let mut words = self.in_force(compat).map(|word| word.name);
        match self.values {
            Values::OneOf(_) | Values::Flag(_) | Values::Mistake(..) => words
                .next()
                .map_or(String::new(), |word| self.spelled(word)),
            Values::AnyOf { .. } => format!("{:?}", words.collect::<Vec<_>>()),
            Values::Count { get, .. } => get(compat).to_string(),
            Values::HighestMicroversion => format!("\"{}\"", compat.max_microversion),
        }
    }

    /// Returns one of the key's words, as TOML.
    pub(crate) fn spelled(&self, word: &str) -> String {
        match self.values {
            Values::Flag(_) => word.to_owned(),
            _ => format!("\"{word}\""),
        }
    }

    /// Returns the current value, in the words of the rule with this index.
    #[must_use]
    pub(crate) fn shown(&self, rule: usize, compat: &Compat) -> String {
        match self.values {
            Values::Count { get, zero, .. } => match (get(compat), zero) {
                (0, Some(zero)) => zero.to_owned(),
                (count, _) => count.to_string(),
            },
            Values::HighestMicroversion => match compat.microversions {
                MicroversionHeaders::None => "none".to_owned(),
                _ => compat.max_microversion.to_string(),
            },
            Values::Mistake(_, words) if !(self.needs)(compat) => words
                .first()
                .and_then(|right| right.shown.get(rule))
                .map_or(String::new(), |text| (*text).to_owned()),
            _ => {
                let texts = self
                    .in_force(compat)
                    .filter_map(|word| word.shown.get(rule));
                let texts: Vec<&str> = texts.copied().collect();
                if texts.is_empty() {
                    "none".to_owned()
                } else {
                    texts.join(", ")
                }
            }
        }
    }

    /// Returns the subject of a rule of this key, with the prefix `literal: ` if `literal` can change it.
    #[must_use]
    pub(crate) fn about(&self, rule: &Rule) -> String {
        let mark = if self.literal_word().is_some() {
            "literal: "
        } else {
            ""
        };
        format!("{mark}{}", rule.about)
    }

    /// Returns the source of the current value: the first one in the order of [`Origin`] that would lead to this value.
    #[must_use]
    pub(crate) fn origin(&self, compat: &Compat) -> Origin {
        let value = self.value(compat);
        let is = |other: &Compat| {
            self.value(other) == value || self.value(&other.clone().beside_nova()) == value
        };
        let release = Compat::of(compat.release);
        if !(self.needs)(compat) || is(&Compat::default()) && is(&release) {
            return Origin::Default;
        }
        if is(&release) {
            return Origin::Release(compat.release.row().name);
        }
        if let Some(vendor) = compat
            .vendor
            .filter(|vendor| is(&release.clone().at(*vendor)))
        {
            return Origin::Vendor(vendor.row().name);
        }
        if compat.all_literal && is(&release.literal()) {
            return Origin::Literal;
        }
        Origin::Setting
    }

    /// Returns the words that are set now. Setting such a word once more changes nothing.
    fn in_force(&self, compat: &Compat) -> impl Iterator<Item = &'static Word> {
        self.words().iter().filter(|word| {
            let mut set = compat.clone();
            (word.set)(&mut set);
            set == *compat
        })
    }
}

impl Concerns {
    /// Whether it includes the request.
    #[must_use]
    pub(crate) fn holds(self, method: &Method, path: &str, query: &str) -> bool {
        let is_read = method == Method::GET || method == Method::HEAD;
        let is_image = path.contains("/images");
        let is_list = is_read && (path.ends_with("/images") || path.ends_with("/images/detail"));
        let named = |name: &str| query.split(['&', ';']).any(|pair| pair.starts_with(name));
        match self {
            Self::Lists => is_list,
            Self::Parameter(name) => is_list && named(name),
            Self::Images => is_image,
            Self::Writes => is_image && !is_read,
            Self::All => true,
        }
    }
}

/// Whether the key of this name has this value, written as TOML, and the value brings Nova's own answer: `literal = true`
/// would set it, the release has that answer, and no other setting prevents it.
#[must_use]
pub fn restores(compat: &Compat, name: &str, value: &str) -> bool {
    let mut keys = KEYS.iter().filter(|key| key.name == Some(name));
    keys.any(|key| {
        let does = key
            .literal_word()
            .is_some_and(|(does, word)| does(compat.release) && key.spelled(word) == value);
        does && (key.needs)(compat) && key.value(compat) == value
    })
}
