//! A change to an image's custom properties that is told step by step, and what the steps come to.

use std::collections::HashMap;

use http::StatusCode;

use super::attribute_step::AttributeStep;
use super::fault::{Fault, Reason};
use super::image::Image;
use super::names::{PropertyName, PropertyNames};

/// What is to become of an image's custom properties, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// The steps that name custom properties.
    pub properties: Vec<Step>,
    /// The steps that name attributes, and so may change nothing.
    pub attributes: Vec<AttributeStep>,
}

/// One step. It is taken on what the steps before it have left.
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

/// What steps come to on one image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchOutcome {
    /// The properties that get a value, in the order in which the patch names them first.
    pub sets: Vec<(String, String)>,
    /// The properties of the image that go, in that order, too.
    pub removes: Vec<String>,
}

impl Steps {
    /// Checks that the steps change no attribute of the image.
    ///
    /// # Errors
    /// As [`AttributeStep::check`].
    pub fn keep_attributes(&self, image: &Image<'_>) -> Result<(), Fault> {
        self.attributes
            .iter()
            .try_for_each(|step| step.check(image))
    }

    /// What the steps come to on an image that has these properties.
    ///
    /// # Errors
    /// 409 when a property that must be there is not, or the other way round.
    pub fn on<'i>(&self, properties: impl Iterator<Item = &'i str>) -> Result<PatchOutcome, Fault> {
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

    /// An image of this many properties, and four steps for each.
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
    fn twice_the_steps_are_twice_the_work() {
        let (small, large) = (work(1000), work(4000));
        // Names that share a hash are compared once in a while.
        assert!(small > 0 && large <= small * 5, "{small} and {large}");
    }
}
