//! A change of an image's custom properties in steps, and its outcome.

use std::collections::HashMap;

use http::StatusCode;

use super::attribute_step::AttributeStep;
use super::fault::{Fault, Reason};
use super::image::Image;
use super::names::{PropertyName, PropertyNames};

/// The steps of a change, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// The steps that name custom properties.
    pub properties: Vec<Step>,
    /// The steps that name attributes, which must not change anything.
    pub attributes: Vec<AttributeStep>,
}

/// A step of a change. It applies to the result of the steps before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sets the property, whether or not it exists.
    Set(String, String),
    /// Sets the property, which must not exist.
    Create(String, String),
    /// Sets the property, which must exist.
    Replace(String, String),
    /// Removes the property, which must exist.
    Remove(String),
}

/// The outcome of steps on one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatchOutcome {
    /// The properties to set, in the order in which the patch first names them.
    pub sets: Vec<(String, String)>,
    /// The properties of the image to remove, in the same order.
    pub removes: Vec<String>,
}

impl Steps {
    /// Checks that the steps change no attribute of the image.
    ///
    /// # Errors
    /// Those of [`AttributeStep::check`].
    pub(crate) fn keep_attributes(&self, image: &Image<'_>) -> Result<(), Fault> {
        self.attributes
            .iter()
            .try_for_each(|step| step.check(image))
    }

    /// Applies the steps to an image that has these properties.
    ///
    /// # Errors
    /// 409 if a property does not exist that must, or exists that must not.
    pub(crate) fn on<'i>(
        &self,
        properties: impl Iterator<Item = &'i str>,
    ) -> Result<PatchOutcome, Fault> {
        let before: PropertyNames<'_> = properties.map(PropertyName).collect();
        let mut touched: Vec<(&str, Option<&str>)> = Vec::new();
        let mut places: HashMap<PropertyName<'_>, usize> = HashMap::new();
        for step in &self.properties {
            let (key, value) = step.parts();
            let next = touched.len();
            let place = *places.entry(PropertyName(key)).or_insert(next);
            let exists = touched.get(place).map_or_else(
                || before.contains(&PropertyName(key)),
                |(_, held)| held.is_some(),
            );
            match step {
                Step::Create(..) if exists => {
                    return Err(conflict(&format!("Property {key} already present.")));
                }
                Step::Replace(..) | Step::Remove(_) if !exists => {
                    return Err(conflict(&format!("Property {key} does not exist.")));
                }
                _ => {}
            }
            match touched.get_mut(place) {
                Some((_, held)) => *held = value,
                None => touched.push((key, value)),
            }
        }
        let mut outcome = PatchOutcome::default();
        for (key, value) in touched {
            match value {
                Some(value) => outcome.sets.push((key.to_owned(), value.to_owned())),
                None if before.contains(&PropertyName(key)) => outcome.removes.push(key.to_owned()),
                None => {}
            }
        }
        Ok(outcome)
    }
}

impl Step {
    /// Returns the property's name and its new value.
    fn parts(&self) -> (&str, Option<&str>) {
        match self {
            Self::Set(key, value) | Self::Create(key, value) | Self::Replace(key, value) => {
                (key, Some(value))
            }
            Self::Remove(key) => (key, None),
        }
    }
}

fn conflict(what: &str) -> Fault {
    Fault::client(
        StatusCode::CONFLICT,
        Reason::BadRequest,
        format!("There was a conflict when trying to complete your request.\n{what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::{Step, Steps};
    use crate::model::names::count::compared;

    /// Counts the comparisons of names for an image of this many properties and four steps for each.
    fn work(size: usize) -> usize {
        let names: Vec<_> = (0..size).map(|n| format!("k{n}")).collect();
        let mut steps = Vec::new();
        for name in &names {
            steps.push(Step::Remove(name.clone()));
            steps.push(Step::Create(name.clone(), "1".to_owned()));
            steps.push(Step::Replace(name.clone(), "2".to_owned()));
            steps.push(Step::Set(format!("new-{name}"), "3".to_owned()));
        }
        let steps = Steps {
            properties: steps,
            attributes: Vec::new(),
        };
        compared(|| {
            let outcome = steps.on(names.iter().map(String::as_str)).unwrap();
            assert_eq!((outcome.sets.len(), outcome.removes.len()), (2 * size, 0));
        })
    }

    #[test]
    fn work_grows_linearly_with_the_steps() {
        let (small, large) = (work(1000), work(4000));
        // Names with the same hash are compared occasionally.
        assert!(small > 0 && large <= small * 5, "{small} and {large}");
    }
}
