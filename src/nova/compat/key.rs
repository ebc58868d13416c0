//! What a row of the table of differences is, and what is asked of it.

use http::Method;

use super::{Compat, KEYS, MicroversionHeaders, Release};

/// One thing that Novas do differently: a row of [`KEYS`].
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in `[compat]`; `None` where only the release decides.
    pub name: Option<&'static str>,
    /// What it decides, as the settings reference tells it.
    pub meaning: &'static str,
    /// What it can be. The default is what [`Compat::default`] has.
    pub values: Values,
    /// How the settings reference tells the default, where the rest of the row cannot.
    pub default: Option<&'static str>,
    /// What older releases do: the last release that does it, and the word for it. Oldest first.
    pub until: &'static [(Release, &'static str)],
    /// What `literal = true` sets it to, and in which releases, where that is no [`Values::Mistake`]: the operator can
    /// have it in other releases, too.
    pub literal: Option<(InRelease, &'static str)>,
    /// Whether a mistake that is asked for is really made, where other settings have a say in it.
    pub needs: fn(&Compat) -> bool,
    /// The lines that show it in the table of releases and in `explain`. Each word has a text for each of them.
    pub rules: &'static [Rule],
}

/// Whether a release does it.
pub type InRelease = fn(Release) -> bool;

/// What a key can be.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// One out of a few words.
    OneOf(&'static [Word]),
    /// A mistake that some releases make: whether a release does, the word for what is right, the word for the mistake.
    /// No setting makes another release make it.
    Mistake(InRelease, &'static [Word; 2]),
    /// `false` or `true`. A third word can only hold where nothing is set.
    Flag(&'static [Word]),
    /// Any of a few words.
    AnyOf {
        /// The words; each adds itself.
        words: &'static [Word],
        /// Takes all of them away.
        clear: fn(&mut Compat),
    },
    /// A whole number.
    Count {
        /// The smallest that is allowed.
        least: u64,
        /// What 0 means, where it is not a number like the others.
        zero: Option<&'static str>,
        /// The number that holds.
        get: fn(&Compat) -> u64,
        /// Sets it.
        set: fn(&mut Compat, u64),
    },
    /// The highest microversion: the one value whose default depends on which services there are.
    HighestMicroversion,
}

/// One of the words that a key can be set to.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// As it stands in the configuration file.
    pub name: &'static str,
    /// What it comes to: a text for each of the key's rules.
    pub shown: &'static [&'static str],
    /// Sets it.
    pub set: fn(&mut Compat),
}

/// One line about a key.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it is about, in a few words.
    pub about: &'static str,
    /// Which requests it concerns.
    pub concerns: Concerns,
}

/// Which requests a rule concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// Lists.
    Lists,
    /// Lists whose query has a parameter that begins so.
    Parameter(&'static str),
    /// Every image request.
    Images,
    /// Image requests that are not reads.
    Writes,
    /// Everything, discovery included.
    All,
}

/// What decided the value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is what holds where nothing is set.
    Default,
    /// `release`.
    Release(&'static str),
    /// `vendor`.
    Vendor(&'static str),
    /// `literal`.
    Literal,
    /// The setting itself.
    Setting,
}

impl Key {
    /// The words that it can be set to; none where it is no matter of words.
    #[must_use]
    pub fn words(&self) -> &'static [Word] {
        match self.values {
            Values::OneOf(words) | Values::Flag(words) | Values::AnyOf { words, .. } => words,
            Values::Mistake(_, words) => words,
            Values::Count { .. } | Values::HighestMicroversion => &[],
        }
    }

    /// Whether it turns one of Nova's mistakes on and off.
    #[must_use]
    pub fn is_mistake(&self) -> bool {
        matches!(self.values, Values::Mistake(..))
    }

    /// Sets it to one of its words. A mistake that the release does not make stays off.
    pub fn choose(&self, word: &str, compat: &mut Compat) {
        let chosen = match self.values {
            Values::Mistake(made_by, words) if !made_by(compat.release) => words.first(),
            _ => self.words().iter().find(|known| known.name == word),
        };
        if let Some(chosen) = chosen {
            (chosen.set)(compat);
        }
    }

    /// Sets it to what the release does, if that is not what modern Novas do.
    pub(super) fn apply_release(&self, compat: &mut Compat) {
        let release = compat.release;
        if let Some((_, word)) = self.until.iter().find(|(last, _)| release <= *last) {
            self.choose(word, compat);
        }
    }

    /// Sets it to what the release does even where that is wrong. What a vendor does instead is not touched.
    pub(super) fn apply_literal(&self, compat: &mut Compat) {
        let is_of_release = || self.value(compat) == self.value(&Compat::of(compat.release));
        if let Some((does, word)) = self.literal_word()
            && does(compat.release)
            && (self.is_mistake() || is_of_release())
        {
            self.choose(word, compat);
        }
    }

    /// The word that `literal = true` sets it to, and whether a release has it set.
    pub fn literal_word(&self) -> Option<(InRelease, &'static str)> {
        match self.values {
            Values::Mistake(made_by, [_, mistake]) => Some((made_by, mistake.name)),
            _ => self.literal,
        }
    }

    /// The value that holds, as TOML.
    #[must_use]
    pub fn value(&self, compat: &Compat) -> String {
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

    /// One of its words, as TOML.
    pub fn spelled(&self, word: &str) -> String {
        match self.values {
            Values::Flag(_) => word.to_owned(),
            _ => format!("\"{word}\""),
        }
    }

    /// The value that holds, in the words of the rule with this index.
    #[must_use]
    pub fn shown(&self, rule: usize, compat: &Compat) -> String {
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

    /// What a rule of this key is about; with a mark where `literal` has a say in it.
    #[must_use]
    pub fn about(&self, rule: &Rule) -> String {
        let mark = if self.literal_word().is_some() {
            "literal: "
        } else {
            ""
        };
        format!("{mark}{}", rule.about)
    }

    /// What decided the value that holds here: the first of what could have that explains it.
    #[must_use]
    pub fn origin(&self, compat: &Compat) -> Origin {
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

    /// The words that hold: those that would change nothing if they were set once more.
    fn in_force(&self, compat: &Compat) -> impl Iterator<Item = &'static Word> {
        self.words().iter().filter(|word| {
            let mut set = compat.clone();
            (word.set)(&mut set);
            set == *compat
        })
    }
}

impl Concerns {
    /// Whether a request is concerned.
    #[must_use]
    pub fn holds(self, method: &Method, path: &str, query: &str) -> bool {
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

/// Whether a mistake of Nova's is made, as the text of a deviation's `setting` would have it. Every key that the text
/// sets to what `literal = true` sets it to counts.
#[must_use]
pub fn restored(compat: &Compat, setting: &str) -> bool {
    let is_made = |key: &Key| {
        let (does, word) = key.literal_word()?;
        let value = key.spelled(word);
        let named = format!("{} = {value}", key.name?);
        setting
            .contains(&named)
            .then(|| does(compat.release) && (key.needs)(compat) && key.value(compat) == value)
    };
    let mut named = KEYS.iter().filter_map(is_made).peekable();
    named.peek().is_some() && named.all(|is_made| is_made)
}
