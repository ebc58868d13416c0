//! The names of properties, and a fast look-up by name.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

/// The name of a property, for comparison with others. Tests count the comparisons: no operation on an image may need
/// more than a constant times the number of its properties.
#[derive(Clone, Copy, Debug, Eq)]
pub(super) struct PropertyName<'n>(pub &'n str);

/// A set of names.
pub(super) type PropertyNames<'n> = HashSet<PropertyName<'n>>;

/// The properties of one image, indexed by name.
pub struct PropertiesByName<'i, V>(HashMap<PropertyName<'i>, &'i V>);

impl PartialEq for PropertyName<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        #[cfg(test)]
        count::one_more();
        self.0 == other.0
    }
}

impl Hash for PropertyName<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<'i, V> PropertiesByName<'i, V> {
    /// Indexes the properties. The first one of a repeated name counts, as in
    /// [`Image::property`](super::Image::property).
    pub(super) fn of(properties: &'i [(Cow<'_, str>, V)]) -> Self {
        let mut by_name = HashMap::with_capacity(properties.len());
        for (name, value) in properties {
            by_name.entry(PropertyName(name)).or_insert(value);
        }
        Self(by_name)
    }

    /// Returns the value of a property.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&'i V> {
        self.0.get(&PropertyName(name)).copied()
    }
}

#[cfg(test)]
pub(super) mod count {
    use std::cell::Cell;

    thread_local! {
        static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn one_more() {
        COMPARED.set(COMPARED.get() + 1);
    }

    /// Counts the comparisons of names while `run` runs.
    pub(crate) fn compared(run: impl FnOnce()) -> usize {
        COMPARED.set(0);
        run();
        COMPARED.get()
    }
}
