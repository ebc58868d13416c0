//! Names of properties, and how to find one among many without looking at all of them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};

/// The name of a property, for comparison with others. Tests count the comparisons: nothing that is done to an image
/// may need more of them than it has properties, times a constant.
#[derive(Clone, Copy, Debug, Eq)]
pub(super) struct PropertyName<'n>(pub &'n str);

/// A set of names.
pub(super) type PropertyNames<'n> = HashSet<PropertyName<'n>>;

/// The properties of one image by name: each is found without a look at the others.
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
    /// Of a repeated name the first counts, as where one property is looked up.
    pub(super) fn of(properties: &'i [(Cow<'_, str>, V)]) -> Self {
        let mut by_name = HashMap::with_capacity(properties.len());
        for (name, value) in properties {
            by_name.entry(PropertyName(name)).or_insert(value);
        }
        Self(by_name)
    }

    /// The value of a property.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'i V> {
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

    /// How many names are compared while this runs.
    pub fn compared(run: impl FnOnce()) -> usize {
        COMPARED.set(0);
        run();
        COMPARED.get()
    }
}
