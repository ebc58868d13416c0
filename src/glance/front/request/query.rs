//! The parameters of `GET /v2/images`.
//!
//! The order of checks and the messages are Glance's, because clients show them to people: first the checks of
//! `RequestDeserializer.index`, then those of `ImagesController.index`, then the filters one by one.

use super::filter;
use super::params::{Params, bad, python_int};
use super::sort;
use crate::glance::front::GlanceListSettings;
use crate::glance::tables::{MEMBER_STATUSES, VISIBILITIES, lookup};
use crate::model::query::{MemberStatus, Scope, Visibility};
use crate::model::{Fault, Predicate, Query};

/// A request for a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ListRequest {
    /// The query. Its limit is always set.
    pub query: Query,
    /// The limit in force: the requested one or the default, but at most the configured maximum.
    pub limit: u64,
    /// The client's parameters, for links.
    pub params: Params,
}

/// Reads a raw query string.
///
/// # Errors
/// 400 with Glance's message. The status is 400 even if Glance fails with 500 (`properties`, `locations`, `members`, a
/// range of an attribute that it does not have, an empty `changes-since`).
pub(crate) fn read(raw: Option<&str>, settings: &GlanceListSettings) -> Result<ListRequest, Fault> {
    let params = Params::parse(raw.unwrap_or_default()).ok_or_else(|| {
        bad(
            "Error decoding your request. Either the URL or the request body contained characters that could \
             not be decoded by Glance",
        )
    })?;
    // Each parameter that is taken from `rest` is removed. A second `limit` or `marker` remains and filters on a custom
    // property of that name, as in Glance.
    let mut rest = params.clone();
    let limit = rest.take_first("limit");
    let marker = rest.take_first("marker");
    let member_status = rest.take_first("member_status");
    let tags = rest.take_all("tag");

    let visibility = visibility(&mut rest)?;
    if rest.has("changes-since") {
        return Err(bad(
            "The \"changes-since\" filter is no longer available on v2.",
        ));
    }
    let member_status = member_status.as_deref().map(member_status_of).transpose()?;
    let limit = effective(limit.as_deref(), settings)?;
    let sort = sort::read(&mut rest)?;
    let hidden = hidden(&mut rest)?;

    let mut predicates: Vec<Predicate> = tags
        .iter()
        .map(|tag| Predicate::Tag(tag.trim().to_owned()))
        .collect();
    predicates.extend(protected(&mut rest)?);
    if visibility == VisibilityFilter::Never {
        predicates.push(Predicate::Nothing);
    }
    predicates.extend(filter::read(&rest)?);
    if marker.as_deref() == Some("") {
        // An upstream might ignore an empty marker, and the list would begin again.
        return Err(Fault::no_marker(""));
    }
    Ok(ListRequest {
        query: Query {
            scope: Scope {
                visibility: visibility.known(),
                member_status,
                hidden,
            },
            predicates,
            sort,
            marker,
            limit: Some(limit),
        },
        limit,
        params,
    })
}

/// The combined meaning of the `visibility` parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VisibilityFilter {
    Default,
    Only(Visibility),
    Never,
}

impl VisibilityFilter {
    fn known(self) -> Option<Visibility> {
        match self {
            Self::Only(visibility) => Some(visibility),
            Self::Default | Self::Never => None,
        }
    }
}

/// Glance validates the last `visibility`, selects by the first, and compares the column with the last of the others.
/// An empty value is not validated and matches nothing.
fn visibility(rest: &mut Params) -> Result<VisibilityFilter, Fault> {
    if let Some(last) = rest.last("visibility")
        && !last.is_empty()
        && lookup(VISIBILITIES, last).is_none()
    {
        return Err(bad(format!("Invalid visibility value: {last}")));
    }
    let values = rest.take_all("visibility");
    let Some(first) = values.first() else {
        return Ok(VisibilityFilter::Default);
    };
    let (first, last) = (
        lookup(VISIBILITIES, first),
        values.get(1..).and_then(<[_]>::last),
    );
    Ok(match (first, last.map(|last| lookup(VISIBILITIES, last))) {
        (Some(first), None) => VisibilityFilter::Only(first),
        (Some(Visibility::All), Some(Some(last))) if last != Visibility::All => {
            VisibilityFilter::Only(last)
        }
        (Some(first), Some(Some(last))) if first == last && first != Visibility::All => {
            VisibilityFilter::Only(first)
        }
        _ => VisibilityFilter::Never,
    })
}

fn member_status_of(value: &str) -> Result<MemberStatus, Fault> {
    lookup(MEMBER_STATUSES, value).ok_or_else(|| bad(format!("Invalid status: {value}")))
}

fn effective(limit: Option<&str>, settings: &GlanceListSettings) -> Result<u64, Fault> {
    let Some(limit) = limit else {
        return Ok(settings.limit_param_default.min(settings.api_limit_max));
    };
    let limit = python_int(limit).ok_or_else(|| bad("limit param must be an integer"))?;
    let limit = u64::try_from(limit).map_err(|_| bad("limit param must be positive"))?;
    Ok(limit.min(settings.api_limit_max))
}

fn hidden(rest: &mut Params) -> Result<bool, Fault> {
    let values = rest.take_all("os_hidden");
    let Some(value) = values.last().map(|value| value.to_lowercase()) else {
        return Ok(false);
    };
    flag("os_hidden", &value)
}

fn protected(rest: &mut Params) -> Result<Option<Predicate>, Fault> {
    let values = rest.take_all("protected");
    let Some(value) = values.last() else {
        return Ok(None);
    };
    flag("protected", value).map(|wanted| Some(Predicate::Protected(wanted)))
}

fn flag(name: &str, value: &str) -> Result<bool, Fault> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad(format!(
            "Invalid value '{value}' for '{name}' filter. Valid values are 'true' or 'false'."
        ))),
    }
}

#[cfg(test)]
mod tests;
