//! The parameters of a list that remain after those that control it: conditions on attributes and custom properties
//! (`glance/db/sqlalchemy/api.py`, `_make_conditions_from_filters`).

use super::operator;
use super::params::{Params, bad, python_int};
use crate::glance::tables::{
    NUMBER_FIELDS, OPERATOR_FIELDS, RELATIONS, TEXT_FIELDS, TIME_FIELDS, lookup,
};
use crate::model::query::{NumberField, NumberTest, TextField, TimeField};
use crate::model::{Fault, Predicate, time};

/// Reads every remaining parameter as a condition. The last value of a repeated parameter counts.
///
/// # Errors
/// 400 with Glance's message.
pub(crate) fn read(params: &Params) -> Result<Vec<Predicate>, Fault> {
    let mut conditions = Vec::new();
    for (name, value) in params.collapsed() {
        condition(name, value, &mut conditions)?;
    }
    Ok(conditions)
}

fn condition(name: &str, value: &str, conditions: &mut Vec<Predicate>) -> Result<(), Fault> {
    let condition = if let Some(range) = range(name, value)? {
        range
    } else if let Some(field) = lookup(TIME_FIELDS, name) {
        instant(field, name, value)?
    } else if let Some(field) = lookup(OPERATOR_FIELDS, name) {
        text(field, value)?
    } else if let Some(field) = lookup(TEXT_FIELDS, name) {
        Predicate::Text(field, vec![value.to_owned()])
    } else if let Some(field) = lookup(NUMBER_FIELDS, name) {
        equal(field, value)
    } else {
        match name {
            // Glance overwrites this filter: it never lists deleted images.
            "deleted" => return Ok(()),
            "deleted_at" => Predicate::Nothing,
            // Glance treats the text as a list of tags, so each character is one.
            "tags" => {
                conditions.extend(value.chars().map(|tag| Predicate::Tag(tag.to_string())));
                return Ok(());
            }
            "properties" | "locations" | "members" => {
                return Err(bad(format!("Unable to filter by '{name}'.")));
            }
            // Glance finds methods of its model under some names and then matches nothing. Here they are properties
            // like any other.
            property => Predicate::Property(property.to_owned(), value.to_owned()),
        }
    };
    conditions.push(condition);
    Ok(())
}

/// Reads `X_min` and `X_max`. Every name with such an ending is a range, even if no attribute has the name.
fn range(name: &str, value: &str) -> Result<Option<Predicate>, Fault> {
    type Bound = fn(i64) -> NumberTest;
    let (attribute, test): (&str, Bound) =
        match (name.strip_suffix("_min"), name.strip_suffix("_max")) {
            (Some(attribute), _) => (attribute, NumberTest::AtLeast),
            (_, Some(attribute)) => (attribute, NumberTest::AtMost),
            _ => return Ok(None),
        };
    let bound = python_int(value)
        .ok_or_else(|| bad("Unable to filter on a range with a non-numeric value."))?;
    let field = lookup(NUMBER_FIELDS, attribute).ok_or_else(|| {
        bad(format!(
            "Unable to filter on a range of '{attribute}', which is not a numeric attribute."
        ))
    })?;
    Ok(Some(Predicate::Number(field, test(bound))))
}

fn instant(field: TimeField, name: &str, value: &str) -> Result<Predicate, Fault> {
    let (operator, operand) = operator::split(value);
    let at = time::parse(operand).ok_or_else(|| {
        bad(format!(
            "Bad \"{name}\" query filter format. Use ISO 8601 DateTime notation."
        ))
    })?;
    let relation = lookup(RELATIONS, operator)
        .ok_or_else(|| bad("Unable to filter on a unknown operator."))?;
    Ok(Predicate::Time(field, relation, at))
}

fn text(field: TextField, value: &str) -> Result<Predicate, Fault> {
    match operator::split(value) {
        ("in", values) => {
            let values = operator::list(values).map_err(|why| bad(why.message(values)))?;
            Ok(Predicate::Text(field, values))
        }
        ("eq", value) => Ok(Predicate::Text(field, vec![value.to_owned()])),
        (operator, _) => Err(bad(format!(
            "Unable to filter by unknown operator '{operator}'."
        ))),
    }
}

/// Compares a number column with text like sqlite: text equals a number if it reads as a whole number, even with
/// surrounding blanks, leading zeros or an empty fraction. Other text equals no number.
fn equal(field: NumberField, value: &str) -> Predicate {
    whole(value.trim()).map_or(Predicate::Nothing, |number| {
        Predicate::Number(field, NumberTest::Is(number))
    })
}

fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let (digits, fraction) = text.split_once('.')?;
    let empty = fraction.bytes().all(|byte| byte == b'0');
    if empty { digits.parse().ok() } else { None }
}
