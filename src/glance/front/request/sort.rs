//! The parameters `sort`, `sort_key` and `sort_dir`.

use super::params::{Params, bad};
use crate::glance::tables::{SORT_KEYS, lookup};
use crate::model::Fault;
use crate::model::query::{Sort, SortKey};

/// Reads the sort order and removes its parameters. The order is empty if the client gave none, which means
/// `created_at`, newest first. Otherwise it is total: a missing `created_at` and `id` are appended, in the given
/// direction if exactly one was given, otherwise descending (`glance/db/sqlalchemy/api.py`, `_image_get_all`).
///
/// # Errors
/// 400 with Glance's message.
pub(crate) fn read(params: &mut Params) -> Result<Vec<Sort>, Fault> {
    let (keys, directions) = if params.has("sort") {
        new_syntax(params)?
    } else {
        classic_syntax(params)?
    };
    if keys.is_empty() && directions.is_empty() {
        return Ok(Vec::new());
    }
    let keys = if keys.is_empty() {
        vec![SortKey::CreatedAt]
    } else {
        keys
    };
    let default = match directions.as_slice() {
        [only] => *only,
        _ => false,
    };
    let mut order: Vec<Sort> = keys
        .into_iter()
        .enumerate()
        .map(|(at, key)| Sort {
            key,
            ascending: directions.get(at).copied().unwrap_or(default),
        })
        .collect();
    for key in [SortKey::CreatedAt, SortKey::Id] {
        if !order.iter().any(|sort| sort.key == key) {
            order.push(Sort {
                key,
                ascending: default,
            });
        }
    }
    Ok(order)
}

/// Reads `sort=name:asc,size:desc`.
fn new_syntax(params: &mut Params) -> Result<(Vec<SortKey>, Vec<bool>), Fault> {
    if params.has("sort_key") || params.has("sort_dir") {
        return Err(bad("Old and new sorting syntax cannot be combined"));
    }
    let sort = params.take_first("sort").unwrap_or_default();
    let mut keys = Vec::new();
    let mut directions = Vec::new();
    for part in sort.trim().split(',') {
        let (key, direction) = part.split_once(':').unwrap_or((part, ""));
        keys.push(sort_key(key.trim())?);
        directions.push(match direction {
            "" => false,
            given => ascending(given.trim())?,
        });
    }
    Ok((keys, directions))
}

/// Reads `sort_key=name&sort_key=size&sort_dir=asc`. A single direction holds for all keys; several must be one for
/// each key.
fn classic_syntax(params: &mut Params) -> Result<(Vec<SortKey>, Vec<bool>), Fault> {
    let keys = params
        .take_all("sort_key")
        .iter()
        .map(|key| sort_key(key.trim()))
        .collect::<Result<Vec<_>, _>>()?;
    let directions = params
        .take_all("sort_dir")
        .iter()
        .map(|direction| ascending(direction.trim()))
        .collect::<Result<Vec<_>, _>>()?;
    if directions.len() > 1 && directions.len() != keys.len() {
        return Err(bad(
            "Number of sort dirs does not match the number of sort keys",
        ));
    }
    Ok((keys, directions))
}

fn sort_key(word: &str) -> Result<SortKey, Fault> {
    lookup(SORT_KEYS, word).ok_or_else(|| {
        let known: Vec<&str> = SORT_KEYS.iter().map(|(word, _)| *word).collect();
        bad(format!(
            "Invalid sort key: {word}. It must be one of the following: {}.",
            known.join(", ")
        ))
    })
}

fn ascending(word: &str) -> Result<bool, Fault> {
    match word {
        "asc" => Ok(true),
        "desc" => Ok(false),
        _ => Err(bad(format!("Invalid sort direction: {word}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Params, read};
    use crate::glance::tables::{SORT_KEYS, word};

    fn order(query: &str) -> Result<String, String> {
        let order = read(&mut Params::parse(query).unwrap()).map_err(|fault| fault.message)?;
        let words: Vec<String> = order
            .iter()
            .map(|sort| {
                let sign = if sort.ascending { '+' } else { '-' };
                format!("{sign}{}", word(SORT_KEYS, &sort.key))
            })
            .collect();
        Ok(words.join(" "))
    }

    #[test]
    fn both_syntaxes_give_a_total_order() {
        for (query, expected) in [
            ("name=x", ""),
            ("sort=name:asc", "+name +created_at +id"),
            ("sort=name", "-name -created_at -id"),
            ("sort=name:asc,size:desc", "+name -size -created_at -id"),
            ("sort= id : asc ", "+id +created_at"),
            ("sort_key=name", "-name -created_at -id"),
            ("sort_dir=asc", "+created_at +id"),
            ("sort_key=name&sort_dir=asc", "+name +created_at +id"),
            (
                "sort_key=name&sort_key=id&sort_dir=asc",
                "+name +id +created_at",
            ),
            (
                "sort_key=name&sort_key=id&sort_dir=asc&sort_dir=desc",
                "+name -id -created_at",
            ),
        ] {
            assert_eq!(order(query).as_deref(), Ok(expected), "{query}");
        }
    }

    #[test]
    fn bad_sort_orders_are_refused_in_glances_words() {
        let known = "It must be one of the following: name, status, container_format, disk_format, size, id, \
                     created_at, updated_at.";
        for (query, message) in [
            ("sort=foo", format!("Invalid sort key: foo. {known}")),
            ("sort=", format!("Invalid sort key: . {known}")),
            (
                "sort_key=min_ram",
                format!("Invalid sort key: min_ram. {known}"),
            ),
            ("sort=name:up", "Invalid sort direction: up".to_owned()),
            ("sort_dir=up", "Invalid sort direction: up".to_owned()),
            (
                "sort=name&sort_key=name",
                "Old and new sorting syntax cannot be combined".to_owned(),
            ),
            (
                "sort_dir=asc&sort_dir=desc&sort_key=name",
                "Number of sort dirs does not match the number of sort keys".to_owned(),
            ),
        ] {
            assert_eq!(order(query), Err(message), "{query}");
        }
    }
}
