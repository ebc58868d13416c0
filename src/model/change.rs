//! What a client wants done to an image's custom properties, and what that comes to.

use std::collections::{HashMap, HashSet};

use http::StatusCode;

use super::fault::{Fault, Reason};
use super::image::{Image, Value};

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
    /// These steps, each on what the ones before it have left.
    Steps(Vec<Step>),
}

/// One step of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The property gets this value, whether or not it is there.
    Set(String, String),
    /// The property gets this value; it must not be there.
    Create(String, String),
    /// The property gets this value; it must be there.
    Replace(String, String),
    /// The property goes; it must be there.
    Remove(String),
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
                let names = image.properties.iter().map(|(key, _)| &**key);
                for (key, value) in outcome(steps, names)? {
                    match value {
                        Some(value) => edit.set_one(key, value, image, &reserved)?,
                        None if image.property(key).is_none() => {}
                        None if reserved(key) => return Err(refused(key)),
                        None => edit.remove.push(key.to_owned()),
                    }
                }
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

/// What steps come to on an image with these properties: each name once, where it comes first, with the value that it
/// has in the end, if any.
fn outcome<'s>(
    steps: &'s [Step],
    names: impl Iterator<Item = &'s str>,
) -> Result<Vec<(&'s str, Option<&'s str>)>, Fault> {
    let mut there: HashSet<&str> = names.collect();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut outcome = Vec::new();
    for step in steps {
        let (key, value) = step.parts();
        let exists = match value {
            Some(_) => !there.insert(key),
            None => there.remove(key),
        };
        match step {
            Step::Create(..) if exists => {
                return Err(conflict(&format!("Property {key} already present.")));
            }
            Step::Replace(..) | Step::Remove(_) if !exists => {
                return Err(conflict(&format!("Property {key} does not exist.")));
            }
            _ => {}
        }
        let place = *places.entry(key).or_insert(outcome.len());
        match outcome.get_mut(place) {
            Some(held) => *held = (key, value),
            None => outcome.push((key, value)),
        }
    }
    Ok(outcome)
}

impl Step {
    /// The property's name and the value that it gets.
    fn parts(&self) -> (&str, Option<&str>) {
        match self {
            Self::Set(key, value) | Self::Create(key, value) | Self::Replace(key, value) => {
                (key, Some(value))
            }
            Self::Remove(key) => (key, None),
        }
    }
}

/// Glance's words for what a patch presupposes in vain.
fn conflict(what: &str) -> Fault {
    Fault::client(
        StatusCode::CONFLICT,
        Reason::NoProperty,
        format!("There was a conflict when trying to complete your request.\n{what}"),
    )
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

    use serde_json::value::RawValue;

    use super::{Change, Edit, Setting, Step};
    use crate::model::{Image, Reason, Value};

    fn image<'a>(properties: &[(&'a str, &'a str)]) -> Image<'a> {
        let raw = |json| Value::Raw(serde_json::from_str::<&RawValue>(json).unwrap());
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

    #[test]
    fn steps_are_taken_one_after_the_other() {
        let image = image(&[
            ("color", r#""red""#),
            ("shape", "null"),
            ("os_glance_x", r#""y""#),
        ]);
        let set = |key: &str, value: &str| Step::Set(key.into(), value.into());
        let create = |key: &str, value: &str| Step::Create(key.into(), value.into());
        let replace = |key: &str, value: &str| Step::Replace(key.into(), value.into());
        let remove = |key: &str| Step::Remove(key.into());
        for (steps, expected) in [
            (vec![], edit(&[], &[])),
            (vec![set("color", "red")], edit(&[], &[])),
            (
                vec![set("new", "1"), set("color", "2")],
                edit(&[], &[("new", "1", false), ("color", "2", true)]),
            ),
            (
                vec![set("new", "1"), replace("new", "2")],
                edit(&[], &[("new", "2", false)]),
            ),
            (vec![set("new", "1"), remove("new")], edit(&[], &[])),
            (
                vec![remove("color"), set("color", "2")],
                edit(&[], &[("color", "2", true)]),
            ),
            (
                vec![set("color", "2"), remove("color")],
                edit(&["color"], &[]),
            ),
            (
                vec![remove("shape"), remove("color")],
                edit(&["shape", "color"], &[]),
            ),
            (vec![create("new", "1")], edit(&[], &[("new", "1", false)])),
            (
                vec![remove("color"), create("color", "1")],
                edit(&[], &[("color", "1", true)]),
            ),
        ] {
            let change = Change::Steps(steps);
            assert_eq!(change.on(&image, reserved).unwrap(), expected, "{change:?}");
        }
        for (steps, status, said) in [
            (
                vec![create("color", "1")],
                409,
                "conflict when trying to complete your request.\nProperty color already present.",
            ),
            (
                vec![replace("new", "1")],
                409,
                "Property new does not exist.",
            ),
            (vec![remove("new")], 409, "Property new does not exist."),
            (
                vec![remove("color"), remove("color")],
                409,
                "Property color does not exist.",
            ),
            (vec![set("name", "x")], 400, "'name'"),
            (vec![remove("os_glance_x")], 400, "'os_glance_x'"),
        ] {
            let change = Change::Steps(steps);
            let fault = change.on(&image, reserved).unwrap_err();
            assert_eq!(fault.status.as_u16(), status, "{change:?}");
            assert!(fault.message.contains(said), "{}", fault.message);
        }
    }
}
