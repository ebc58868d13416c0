//! A client's change of an image's custom properties, and the edit that it requires on the image.

use http::StatusCode;

use super::fault::{Fault, Reason};
use super::image::{Image, Value};
use super::names::{PropertiesByName, PropertyName, PropertyNames};
use super::steps::{PatchOutcome, Steps};

/// The maximum number of properties of an image whose metadata can be changed. Glance's default limit is 128. An image
/// with hundreds of thousands would block a worker for other requests.
pub(crate) const MAX_PROPERTIES: usize = 50_000;

/// A change as a client states it, without knowing the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets these properties and keeps all others.
    Merge(Vec<(String, SentValue)>),
    /// Sets these properties and removes all others.
    Replace(Vec<(String, SentValue)>),
    /// Sets this property.
    Set(String, SentValue),
    /// Removes this property. A missing property is a fault.
    Remove(String),
    /// Applies these steps, each to the result of the step before. A step that cannot be applied is a fault.
    Steps(Steps),
}

/// A value that a client sends for a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentValue {
    /// A string.
    Text(String),
    /// JSON that is not a string.
    Json {
        /// The JSON that the client sent.
        sent: String,
        /// The text to store for it; `None` is null.
        text: Option<String>,
    },
    /// A text that is skipped: the property keeps its value or stays absent.
    Ignored(String),
}

impl SentValue {
    /// Returns the text to store; `None` is null.
    #[must_use]
    pub(crate) fn value(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Ignored(text) => Some(text),
            Self::Json { text, .. } => text.as_deref(),
        }
    }
}

impl From<String> for SentValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for SentValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The difference between an image and the result of a [`Change`]. It contains only what actually changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The properties to remove, in the image's order.
    pub remove: Vec<String>,
    /// The properties to set, in the client's order.
    pub set: Vec<PropertyUpdate>,
}

/// A property to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyUpdate {
    /// The property's name.
    pub key: String,
    /// The new value; `None` is null.
    pub value: Option<String>,
    /// Whether the image has the property, with another value.
    pub existed: bool,
}

impl Edit {
    /// Whether the image needs no change.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty()
    }

    /// Returns the rest of the edit for an image that has meanwhile been changed, by a part of this edit or by others.
    /// A property that has been removed meanwhile need not be removed again.
    #[must_use]
    pub(crate) fn left_on(mut self, image: &Image<'_>) -> Self {
        let properties = image.by_name();
        self.remove.retain(|key| properties.get(key).is_some());
        self.set.retain_mut(|setting| {
            let held = properties.get(&setting.key);
            setting.existed = held.is_some();
            held.is_none_or(|held| !holds(held, setting.value.as_deref()))
        });
        self
    }
}

/// The rules for single properties, besides the change and the image.
pub(crate) struct PropertyRules<R, S> {
    /// Whether the client may not change a property of this name. The second argument says whether the image has it.
    pub is_fixed: R,
    /// Whether the client is shown the property's value in the form that it sent.
    pub is_shown: S,
}

impl Change {
    /// Determines the edit for an image.
    ///
    /// A client may send back an unchanged value for a property that it may not change, so that it can read all
    /// properties, change one and send all. A replacement that leaves such a property out keeps it. A value that is
    /// sent back as it was shown counts as unchanged, whatever the form in which it was shown.
    ///
    /// # Errors
    /// 400 for setting or removing a property that the client may not change, with its name; 404 for removing a
    /// property that the image does not have; 413 for an image with too many properties.
    pub(crate) fn on<R, S>(
        &self,
        image: &Image<'_>,
        rules: &PropertyRules<R, S>,
    ) -> Result<Edit, Fault>
    where
        R: Fn(&str, bool) -> bool,
        S: Fn(&str, &Value<'_>, &SentValue) -> bool,
    {
        if let Self::Remove(key) = self {
            return removal(image, key, &rules.is_fixed);
        }
        if image.properties.len() > MAX_PROPERTIES {
            return Err(too_many(image.properties.len()));
        }
        let mut work = Work {
            edit: Edit::default(),
            properties: image.by_name(),
            rules,
        };
        match self {
            Self::Merge(items) => work.set_all(items)?,
            Self::Replace(items) => {
                work.set_all(items)?;
                work.remove_others(items, image);
            }
            Self::Set(key, value) => work.set_one(key, value)?,
            Self::Steps(steps) => {
                steps.keep_attributes(image)?;
                let names = image.properties.iter().map(|(key, _)| &**key);
                let PatchOutcome { sets, removes } = steps.on(names)?;
                for (key, value) in sets {
                    work.set_one(&key, &SentValue::Text(value))?;
                }
                if let Some(key) = removes.iter().find(|key| (rules.is_fixed)(key, true)) {
                    return Err(refused(key));
                }
                work.edit.remove = removes;
            }
            Self::Remove(_) => {}
        }
        Ok(work.edit)
    }
}

fn removal(
    image: &Image<'_>,
    key: &str,
    is_fixed: impl Fn(&str, bool) -> bool,
) -> Result<Edit, Fault> {
    if image.property(key).is_none() {
        return Err(missing());
    }
    if is_fixed(key, true) {
        return Err(refused(key));
    }
    Ok(Edit {
        remove: vec![key.to_owned()],
        set: Vec::new(),
    })
}

/// An edit under construction.
struct Work<'w, R, S> {
    edit: Edit,
    properties: PropertiesByName<'w, Value<'w>>,
    rules: &'w PropertyRules<R, S>,
}

impl<R, S> Work<'_, R, S>
where
    R: Fn(&str, bool) -> bool,
    S: Fn(&str, &Value<'_>, &SentValue) -> bool,
{
    fn set_all(&mut self, items: &[(String, SentValue)]) -> Result<(), Fault> {
        items
            .iter()
            .try_for_each(|(key, wanted)| self.set_one(key, wanted))
    }

    fn set_one(&mut self, key: &str, wanted: &SentValue) -> Result<(), Fault> {
        if matches!(wanted, SentValue::Ignored(_)) {
            return Ok(());
        }
        let held = self.properties.get(key);
        let is_so = |held| holds(held, wanted.value()) || (self.rules.is_shown)(key, held, wanted);
        if held.is_some_and(is_so) {
            return Ok(());
        }
        if (self.rules.is_fixed)(key, held.is_some()) {
            return Err(refused(key));
        }
        self.edit.set.push(PropertyUpdate {
            key: key.to_owned(),
            value: wanted.value().map(str::to_owned),
            existed: held.is_some(),
        });
        Ok(())
    }

    /// Removes the properties that are not among the items. A property that the upstream lists twice is removed once.
    fn remove_others(&mut self, items: &[(String, SentValue)], image: &Image<'_>) {
        let mut named: PropertyNames<'_> = items.iter().map(|(key, _)| PropertyName(key)).collect();
        for (key, _) in image.properties.iter() {
            if named.insert(PropertyName(key)) && !(self.rules.is_fixed)(key, true) {
                self.edit.remove.push(key.as_ref().to_owned());
            }
        }
    }
}

/// Whether a property's value is this text; `None` is null.
fn holds(held: &Value<'_>, value: Option<&str>) -> bool {
    match value {
        Some(text) => held.text().as_deref() == Some(text),
        None => held.is_null(),
    }
}

fn refused(key: &str) -> Fault {
    Fault::client(
        StatusCode::BAD_REQUEST,
        Reason::ReservedKey,
        format!(
            "The key '{key}' is reserved by the image service and cannot be changed as metadata."
        ),
    )
}

fn missing() -> Fault {
    Fault::client(
        StatusCode::NOT_FOUND,
        Reason::NoProperty,
        "The image has no such property.",
    )
}

/// Returns the fault for an image with more than [`MAX_PROPERTIES`] properties.
fn too_many(count: usize) -> Fault {
    Fault::proxy(
        StatusCode::PAYLOAD_TOO_LARGE,
        Reason::PropertyQuota,
        format!(
            "The image has {count} properties; an image with more than {MAX_PROPERTIES} cannot be changed."
        ),
    )
}

#[cfg(test)]
mod tests;
