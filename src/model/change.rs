//! What a client wants done to an image's custom properties, and what that comes to.

use http::StatusCode;

use super::fault::{Fault, Reason};
use super::image::{Image, Value};
use super::steps::{Outcome, Steps};

/// A wish, as a client can say it without knowing the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These properties get these values; all others stay.
    Merge(Vec<(String, String)>),
    /// These properties get these values; all others go.
    Replace(Vec<(String, String)>),
    /// This property gets this value.
    Set(String, String),
    /// This property goes. It is a fault if it is not there.
    Remove(String),
    /// These steps are taken, one on what the other has left. It is a fault if one cannot be.
    Steps(Steps),
}

/// What a [`Change`] comes to on one image: nothing that is so already is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The properties that go, in the image's order.
    pub remove: Vec<String>,
    /// The properties that get a value, in the client's order.
    pub set: Vec<Setting>,
}

/// A property that gets a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
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
        self.remove.retain(|key| image.property(key).is_some());
        self.set.retain_mut(|setting| {
            let held = image.property(&setting.key);
            setting.existed = held.is_some();
            held.and_then(Value::text).as_deref() != Some(&*setting.value)
        });
        self
    }
}

impl Change {
    /// Decides what is to be done to an image.
    ///
    /// `reserved` says which names the upstream keeps for itself. Such a property may be sent back as it is, so that
    /// a client can read all properties, change one and send all; a replacement that leaves one out leaves it alone.
    ///
    /// # Errors
    /// 400 for a reserved name that is to be set to something else or removed, naming it; 404 for the removal of what
    /// is not there.
    pub fn on(&self, image: &Image<'_>, reserved: impl Fn(&str) -> bool) -> Result<Edit, Fault> {
        let mut edit = Edit::default();
        match self {
            Self::Merge(items) => edit.set_all(items, image, &reserved)?,
            Self::Replace(items) => {
                edit.set_all(items, image, &reserved)?;
                let goes = |key: &str| !reserved(key) && items.iter().all(|(kept, _)| kept != key);
                let names = image.properties.iter().map(|(key, _)| &**key);
                edit.remove = names.filter(|key| goes(key)).map(str::to_owned).collect();
            }
            Self::Set(key, value) => edit.set_one(key, value, image, &reserved)?,
            Self::Remove(key) => {
                if image.property(key).is_none() {
                    return Err(missing());
                }
                if reserved(key) {
                    return Err(refused(key));
                }
                edit.remove.push(key.clone());
            }
            Self::Steps(steps) => {
                steps.keep_attributes(image)?;
                let names = image.properties.iter().map(|(key, _)| &**key);
                let Outcome { sets, removes } = steps.on(names)?;
                edit.set_all(&sets, image, &reserved)?;
                if let Some(key) = removes.iter().find(|key| reserved(key)) {
                    return Err(refused(key));
                }
                edit.remove = removes;
            }
        }
        Ok(edit)
    }
}

impl Edit {
    fn set_all(
        &mut self,
        items: &[(String, String)],
        image: &Image<'_>,
        reserved: &impl Fn(&str) -> bool,
    ) -> Result<(), Fault> {
        items
            .iter()
            .try_for_each(|(key, value)| self.set_one(key, value, image, reserved))
    }

    fn set_one(
        &mut self,
        key: &str,
        value: &str,
        image: &Image<'_>,
        reserved: &impl Fn(&str) -> bool,
    ) -> Result<(), Fault> {
        let held = image.property(key);
        if held.and_then(Value::text).as_deref() == Some(value) {
            return Ok(());
        }
        if reserved(key) {
            return Err(refused(key));
        }
        self.set.push(Setting {
            key: key.to_owned(),
            value: value.to_owned(),
            existed: held.is_some(),
        });
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Change, Edit, Setting};
    use crate::model::{Image, Reason, Value};

    fn image<'a>(properties: &[(&'a str, &'a str)]) -> Image<'a> {
        let raw = |json| Value::Raw(serde_json::from_str(json).unwrap());
        let properties = properties.iter();
        Image {
            properties: properties
                .map(|(key, json)| (Cow::Borrowed(*key), raw(*json)))
                .collect(),
            ..Image::default()
        }
    }

    fn reserved(key: &str) -> bool {
        key.starts_with("os_glance_") || key == "name"
    }

    fn pairs(items: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        items.iter().map(own).collect()
    }

    fn edit(remove: &[&str], set: &[(&str, &str, bool)]) -> Edit {
        Edit {
            remove: remove.iter().map(|key| (*key).to_owned()).collect(),
            set: set
                .iter()
                .map(|(key, value, existed)| Setting {
                    key: (*key).to_owned(),
                    value: (*value).to_owned(),
                    existed: *existed,
                })
                .collect(),
        }
    }

    #[test]
    fn changes_come_to_what_is_not_so_yet() {
        let image = image(&[
            ("a", r#""1""#),
            ("b", r#""\u010d""#),
            ("k", "null"),
            ("os_glance_x", r#""y""#),
        ]);
        for (change, expected) in [
            (Change::Merge(vec![]), edit(&[], &[])),
            (
                Change::Merge(pairs(&[("a", "1"), ("b", "2"), ("c", "")])),
                edit(&[], &[("b", "2", true), ("c", "", false)]),
            ),
            (
                Change::Merge(pairs(&[("k", "")])),
                edit(&[], &[("k", "", true)]),
            ),
            (
                Change::Replace(pairs(&[("b", "č"), ("new", "x")])),
                edit(&["a", "k"], &[("new", "x", false)]),
            ),
            (Change::Replace(vec![]), edit(&["a", "b", "k"], &[])),
            (
                Change::Replace(pairs(&[
                    ("a", "1"),
                    ("b", "č"),
                    ("k", "z"),
                    ("os_glance_x", "y"),
                ])),
                edit(&[], &[("k", "z", true)]),
            ),
            (Change::Set("a".into(), "1".into()), edit(&[], &[])),
            (
                Change::Set("a".into(), "2".into()),
                edit(&[], &[("a", "2", true)]),
            ),
            (Change::Remove("k".into()), edit(&["k"], &[])),
        ] {
            let found = change.on(&image, reserved).unwrap();
            assert_eq!(found, expected, "{change:?}");
            let none = expected.set.is_empty() && expected.remove.is_empty();
            assert_eq!(found.is_empty(), none);
        }
    }

    #[test]
    fn reserved_names_are_refused_by_name() {
        let image = image(&[("os_glance_x", r#""y""#), ("a", r#""1""#)]);
        for (change, name) in [
            (Change::Merge(pairs(&[("a", "2"), ("name", "x")])), "'name'"),
            (
                Change::Replace(pairs(&[("os_glance_x", "z")])),
                "'os_glance_x'",
            ),
            (Change::Set("name".into(), "x".into()), "'name'"),
            (Change::Remove("os_glance_x".into()), "'os_glance_x'"),
        ] {
            let fault = change.on(&image, reserved).unwrap_err();
            assert_eq!(
                (fault.status.as_u16(), fault.reason),
                (400, Reason::ReservedKey)
            );
            assert!(fault.message.contains(name), "{}", fault.message);
        }
        let fault = Change::Remove("name".into())
            .on(&image, reserved)
            .unwrap_err();
        assert_eq!(
            (fault.status.as_u16(), fault.reason),
            (404, Reason::NoProperty)
        );
    }
}
