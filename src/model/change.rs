//! What a client wants done to an image's custom properties, and what that comes to.

use http::StatusCode;

use super::fault::{Fault, Reason};
use super::image::{Image, Value};
use super::names::{PropertiesByName, PropertyName, PropertyNames};
use super::steps::{PatchOutcome, Steps};

/// How many properties an image may have for its metadata to be written. Glance allows 128 unless it is told otherwise.
/// An image with hundreds of thousands would keep a worker from everybody else's requests.
pub const MAX_PROPERTIES: usize = 50_000;

/// A wish, as a client can say it without knowing the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These properties get these values; all others stay.
    Merge(Vec<(String, SentValue)>),
    /// These properties get these values; all others go.
    Replace(Vec<(String, SentValue)>),
    /// This property gets this value.
    Set(String, SentValue),
    /// This property goes. It is a fault if it is not there.
    Remove(String),
    /// These steps are taken, one on what the other has left. It is a fault if one cannot be.
    Steps(Steps),
}

/// A value that a client sends for a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentValue {
    /// This text.
    Text(String),
    /// JSON that is no string.
    Json {
        /// What the client sent, as JSON.
        sent: String,
        /// What is stored for it; `None` is null.
        text: Option<String>,
    },
    /// This text, which is passed over: the property stays as it is, or away.
    Ignored(String),
}

impl SentValue {
    /// What is stored; `None` is null.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
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

/// What a [`Change`] comes to on one image: nothing that is so already is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The properties that go, in the image's order.
    pub remove: Vec<String>,
    /// The properties that get a value, in the client's order.
    pub set: Vec<PropertyUpdate>,
}

/// A property that gets a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyUpdate {
    /// Its name.
    pub key: String,
    /// Its value; `None` is null.
    pub value: Option<String>,
    /// Whether the image has the property, with another value.
    pub existed: bool,
}

impl Edit {
    /// Whether everything is already as it shall be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty()
    }

    /// What is still to be done on an image to which a part of this has been done, or which others have changed: what is
    /// gone need not go any more.
    #[must_use]
    pub fn left_on(mut self, image: &Image<'_>) -> Self {
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

/// What decides about single properties, besides the change and the image.
pub struct PropertyRules<R, S> {
    /// Whether a property of this name, which is there or not, is not the client's to change.
    pub is_fixed: R,
    /// Whether a client that sends this for a property sends what it is shown of it.
    pub is_shown: S,
}

impl Change {
    /// Decides what is to be done to an image.
    ///
    /// A property that is not the client's to change may be sent back as it is, so that a client can read all
    /// properties, change one and send all; a replacement that leaves one out leaves it alone. What is sent back as it
    /// was shown is left as it is, in whatever form it was shown.
    ///
    /// # Errors
    /// 400 for a name that is not the client's and is to be set to something else or removed, naming it; 404 for the
    /// removal of what is not there; 413 for an image with too many properties.
    pub fn on<R, S>(&self, image: &Image<'_>, rules: &PropertyRules<R, S>) -> Result<Edit, Fault>
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

/// An edit in the making.
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

    /// Removes what is not among the items. An upstream that names a property twice is told once.
    fn remove_others(&mut self, items: &[(String, SentValue)], image: &Image<'_>) {
        let mut named: PropertyNames<'_> = items.iter().map(|(key, _)| PropertyName(key)).collect();
        for (key, _) in image.properties.iter() {
            if named.insert(PropertyName(key)) && !(self.rules.is_fixed)(key, true) {
                self.edit.remove.push(key.as_ref().to_owned());
            }
        }
    }
}

/// Whether a property's value is this text, or null.
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

/// The image has more properties than any that is written to here.
fn too_many(count: usize) -> Fault {
    Fault::proxy(
        StatusCode::PAYLOAD_TOO_LARGE,
        Reason::PropertyQuota,
        format!(
            "The image has {count} properties, and {MAX_PROPERTIES} is the most that can be changed."
        ),
    )
}

#[cfg(test)]
mod tests;
