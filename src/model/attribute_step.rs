//! Steps of a change that name an attribute of the image itself. The upstream cannot change attributes in this way, so
//! a step succeeds only if the attribute already has the requested value.

use http::StatusCode;

use super::fault::{Fault, Reason};
use super::image::Image;

/// A step of a change that names an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeStep {
    /// The attribute's name.
    pub name: String,
    /// The requested value.
    pub wanted: WantedValue,
}

/// The value that a step requests for an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedValue {
    /// To be null.
    Null,
    /// To be this flag.
    Flag(bool),
    /// To be this number.
    Number(i64),
    /// To be this text.
    Text(String),
    /// These texts, in any order.
    Texts(Vec<String>),
    /// A value that no attribute can have.
    Other,
    /// A new attribute, which is always a conflict.
    New,
    /// The removal of the attribute, which is always forbidden.
    Gone,
}

impl AttributeStep {
    /// Checks that the step changes nothing.
    ///
    /// # Errors
    /// 403 for a value that differs from the image's and for a removal; 409 for a new attribute.
    pub(crate) fn check(&self, image: &Image<'_>) -> Result<(), Fault> {
        let name = &self.name;
        match self.wanted {
            WantedValue::New => Err(Fault::client(
                StatusCode::CONFLICT,
                Reason::BadRequest,
                format!(
                    "There was a conflict when trying to complete your request.\nProperty {name} already present."
                ),
            )),
            WantedValue::Gone => Err(forbidden(format!("Property {name} may not be removed."))),
            _ if self.is_so(image) => Ok(()),
            _ => Err(forbidden(format!("Attribute '{name}' is read-only."))),
        }
    }

    fn is_so(&self, image: &Image<'_>) -> bool {
        let wanted = &self.wanted;
        let text = |held: Option<&str>| match wanted {
            WantedValue::Null => held.is_none(),
            WantedValue::Text(text) => held == Some(text),
            _ => false,
        };
        match self.name.as_str() {
            "name" => text(image.name.as_deref()),
            "owner" => text(image.owner.as_deref()),
            "visibility" => text(image.visibility.as_deref()),
            "disk_format" => text(image.disk_format.as_deref()),
            "container_format" => text(image.container_format.as_deref()),
            "protected" => *wanted == WantedValue::Flag(image.protected),
            "os_hidden" => *wanted == WantedValue::Flag(image.os_hidden),
            "min_ram" => *wanted == WantedValue::Number(image.min_ram),
            "min_disk" => *wanted == WantedValue::Number(image.min_disk),
            "tags" => match wanted {
                WantedValue::Texts(tags) => are_tags(tags, image),
                _ => false,
            },
            _ => false,
        }
    }
}

/// Whether the image has exactly these tags. Order and repetitions do not matter.
fn are_tags(wanted: &[String], image: &Image<'_>) -> bool {
    let held: Vec<String> = image
        .tags
        .and_then(|tags| serde_json::from_str(tags.get()).ok())
        .unwrap_or_default();
    wanted.iter().all(|tag| held.contains(tag)) && held.iter().all(|tag| wanted.contains(tag))
}

fn forbidden(message: String) -> Fault {
    Fault::client(StatusCode::FORBIDDEN, Reason::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{AttributeStep, WantedValue};
    use crate::model::Image;

    #[test]
    fn a_step_succeeds_only_if_the_attribute_has_the_value_already() {
        let tags = serde_json::value::to_raw_value(&["a", "b"]).unwrap();
        let image = Image {
            name: Some(Cow::Borrowed("n")),
            visibility: Some(Cow::Borrowed("private")),
            min_ram: 5,
            tags: Some((&*tags).into()),
            ..Image::default()
        };
        let text = |text: &str| WantedValue::Text(text.to_owned());
        let texts =
            |texts: &[&str]| WantedValue::Texts(texts.iter().copied().map(str::to_owned).collect());
        for (name, wanted, status) in [
            ("name", text("n"), 200),
            ("name", text("m"), 403),
            ("name", WantedValue::Null, 403),
            ("name", WantedValue::Other, 403),
            ("name", WantedValue::New, 409),
            ("name", WantedValue::Gone, 403),
            ("owner", WantedValue::Null, 200),
            ("owner", text("o"), 403),
            ("visibility", text("private"), 200),
            ("visibility", text("public"), 403),
            ("disk_format", WantedValue::Null, 200),
            ("container_format", text("bare"), 403),
            ("protected", WantedValue::Flag(false), 200),
            ("protected", WantedValue::Flag(true), 403),
            ("os_hidden", WantedValue::Flag(false), 200),
            ("os_hidden", text("false"), 403),
            ("min_ram", WantedValue::Number(5), 200),
            ("min_ram", WantedValue::Number(6), 403),
            ("min_disk", WantedValue::Number(0), 200),
            ("tags", texts(&["b", "a", "b"]), 200),
            ("tags", texts(&["a"]), 403),
            ("tags", texts(&["a", "b", "c"]), 403),
            ("tags", text("a"), 403),
        ] {
            let step = AttributeStep {
                name: name.to_owned(),
                wanted,
            };
            let found = step
                .check(&image)
                .map_or_else(|fault| fault.status.as_u16(), |()| 200);
            assert_eq!(found, status, "{step:?}");
        }
    }
}
