//! Requests that read from a Glance, and the parts of a query that they can carry.

use crate::glance::tables;
use crate::model::query::{NumberField, NumberTest, Scope, TextField, Verbatim};
use crate::model::{ImageId, Plan, Predicate, Query, UpstreamRequest, time};
use crate::webob::query::QueryBuilder;

/// Splits a query. The plan's `pushed` holds only filters that every Glance since 12.0.0 (Mitaka) applies exactly like
/// [`Predicate::holds`]. The rest is residual.
pub(super) fn plan(query: &Query) -> Plan {
    let mut pushed = QueryBuilder::default();
    let mut residual = Vec::new();
    let mut nothing = false;
    add_scope(&mut pushed, &query.scope);
    for predicate in &query.predicates {
        match push_down(predicate, &pushed) {
            Split::Push(name, value) => pushed.add(name, &value),
            Split::Keep => residual.push(predicate.clone()),
            Split::Nothing => nothing = true,
        }
    }
    if !query.sort.is_empty() {
        let keys: Vec<_> = query
            .sort
            .iter()
            .map(|by| {
                let direction = if by.ascending { "asc" } else { "desc" };
                format!("{}:{direction}", tables::word(tables::SORT_KEYS, &by.key))
            })
            .collect();
        pushed.add("sort", &keys.join(","));
    }
    Plan {
        pushed: pushed.into_text(),
        residual,
        recheck: Vec::new(),
        nothing,
        scan: None,
    }
}

/// Returns the request for one page of at most `limit` images.
pub(super) fn page(plan: &Plan, marker: Option<&str>, limit: u64) -> UpstreamRequest {
    let mut query = QueryBuilder::after(&plan.pushed);
    // For an empty page, Glance still checks the token and the marker, but does not search.
    query.add("limit", &if plan.nothing { 0 } else { limit }.to_string());
    if let Some(marker) = marker {
        query.add("marker", marker);
    }
    UpstreamRequest::get(format!("/v2/images?{}", query.into_text()))
}

/// Returns the request for one image.
pub(super) fn show(id: &ImageId) -> UpstreamRequest {
    UpstreamRequest::get(format!("/v2/images/{id}"))
}

/// The treatment of one predicate.
enum Split<'p> {
    /// Send this parameter, which means the same.
    Push(&'p str, String),
    /// Check it here: Glance has no filter for it.
    Keep,
    /// List nothing: no image in any Glance fulfils it.
    Nothing,
}

fn push_down<'p>(predicate: &'p Predicate, pushed: &QueryBuilder) -> Split<'p> {
    match predicate {
        Predicate::Text(field, any_of) => {
            let name = text_name(*field);
            // Glance reads only the last one of two filters with the same name.
            match text_value(*field, any_of) {
                Some(value) if !pushed.has(name) => Split::Push(name, value),
                _ => Split::Keep,
            }
        }
        Predicate::Number(field, test) => match number_filter(*field, *test) {
            Some((name, value)) if !pushed.has(name) => Split::Push(name, value.to_string()),
            _ => Split::Keep,
        },
        Predicate::Time(field, relation, at) => {
            let name = tables::word(tables::TIME_FIELDS, field);
            if pushed.has(name) {
                return Split::Keep;
            }
            Split::Push(
                name,
                format!(
                    "{}:{}",
                    tables::word(tables::RELATIONS, relation),
                    time::write(*at)
                ),
            )
        }
        Predicate::Protected(_) if pushed.has("protected") => Split::Keep,
        Predicate::Protected(wanted) => Split::Push("protected", wanted.to_string()),
        Predicate::Tag(tag) => Split::Push("tag", tag.clone()),
        Predicate::Property(key, _) if tables::is_base_property(key) => Split::Nothing,
        Predicate::Property(key, _) if !tables::is_property_filter(key) || pushed.has(key) => {
            Split::Keep
        }
        Predicate::Property(key, value) => Split::Push(key, value.clone()),
        Predicate::Verbatim(about, value) => match about {
            // Glance reads only the last one of two filters with the same name.
            Verbatim::Name if pushed.has("name") => Split::Keep,
            Verbatim::Name => Split::Push("name", value.clone()),
            Verbatim::Status if pushed.has("status") => Split::Keep,
            Verbatim::Status => Split::Push("status", value.clone()),
            Verbatim::UpdatedSince if pushed.has("updated_at") => Split::Keep,
            Verbatim::UpdatedSince => Split::Push("updated_at", format!("gte:{value}")),
        },
        Predicate::Nothing => Split::Nothing,
    }
}

/// Returns the value of a text filter, if a single value can express the condition.
fn text_value(field: TextField, any_of: &[String]) -> Option<String> {
    match any_of {
        // The scope holds the visibility, and a filter of that name would overwrite it.
        _ if field == TextField::Visibility => None,
        // Only these attributes know operators, and they read every value with a colon as one.
        [one] if takes_operators(field) && one.contains(':') => Some(format!("eq:{one}")),
        [one] => Some(one.clone()),
        // A quoted value cannot contain a quote (`glance/common/utils.py`, `split_filter_value_for_quotes`).
        several if takes_operators(field) && several.iter().all(|one| !one.contains('"')) => {
            let quoted: Vec<_> = several.iter().map(|one| quoted(one)).collect();
            Some(format!("in:{}", quoted.join(",")))
        }
        _ => None,
    }
}

fn quoted(value: &str) -> String {
    let plain = !value.is_empty()
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if plain {
        value.to_owned()
    } else {
        format!("\"{value}\"")
    }
}

/// Returns the filter on a number. Glance documents ranges on `size` only. On other columns they work by accident, so
/// those conditions stay residual.
fn number_filter(field: NumberField, test: NumberTest) -> Option<(&'static str, i64)> {
    match (field, test) {
        (NumberField::Size, NumberTest::AtLeast(value)) => Some(("size_min", value)),
        (NumberField::Size, NumberTest::AtMost(value)) => Some(("size_max", value)),
        (_, NumberTest::Is(value)) => Some((tables::word(tables::NUMBER_FIELDS, &field), value)),
        _ => None,
    }
}

fn text_name(field: TextField) -> &'static str {
    match tables::word(tables::OPERATOR_FIELDS, &field) {
        "" => tables::word(tables::TEXT_FIELDS, &field),
        name => name,
    }
}

fn takes_operators(field: TextField) -> bool {
    !tables::word(tables::OPERATOR_FIELDS, &field).is_empty()
}

fn add_scope(pushed: &mut QueryBuilder, scope: &Scope) {
    if let Some(visibility) = &scope.visibility {
        pushed.add("visibility", tables::word(tables::VISIBILITIES, visibility));
    }
    if let Some(status) = &scope.member_status {
        pushed.add(
            "member_status",
            tables::word(tables::MEMBER_STATUSES, status),
        );
    }
    if scope.hidden {
        pushed.add("os_hidden", "true");
    }
}

#[cfg(test)]
mod tests {
    use super::{page, plan};
    use crate::model::query::{
        NumberField, NumberTest, Predicate, Relation, Scope, TextField, TimeField,
    };
    use crate::model::{Query, time};

    fn text(field: TextField, values: &[&str]) -> Predicate {
        Predicate::Text(
            field,
            values.iter().map(|value| (*value).to_owned()).collect(),
        )
    }

    fn property(key: &str, value: &str) -> Predicate {
        Predicate::Property(key.to_owned(), value.to_owned())
    }

    fn split(predicates: Vec<Predicate>) -> (String, Vec<Predicate>, bool) {
        let plan = plan(&Query {
            predicates,
            ..Query::default()
        });
        (plan.pushed, plan.residual, plan.nothing)
    }

    #[test]
    fn each_predicate_is_pushed_or_kept() {
        for (predicate, pushed) in [
            (text(TextField::Name, &["a b&c"]), Some("name=a+b%26c")),
            (text(TextField::Name, &[""]), Some("name=")),
            (
                text(TextField::Name, &["Ubuntu: 14"]),
                Some("name=eq%3AUbuntu%3A+14"),
            ),
            (
                text(TextField::Name, &["in:a,b"]),
                Some("name=eq%3Ain%3Aa%2Cb"),
            ),
            (text(TextField::Owner, &["a:b"]), Some("owner=a%3Ab")),
            (text(TextField::Owner, &["a", "b"]), None),
            (
                text(TextField::Status, &["queued", "saving"]),
                Some("status=in%3Aqueued%2Csaving"),
            ),
            (
                text(TextField::Name, &["x", "a,b", "c d"]),
                Some("name=in%3Ax%2C%22a%2Cb%22%2C%22c+d%22"),
            ),
            (text(TextField::Name, &["x", "\""]), None),
            (
                Predicate::Number(NumberField::MinRam, NumberTest::Is(64)),
                Some("min_ram=64"),
            ),
            (
                Predicate::Number(NumberField::MinRam, NumberTest::AtLeast(64)),
                None,
            ),
            (
                Predicate::Number(NumberField::Size, NumberTest::AtLeast(5)),
                Some("size_min=5"),
            ),
            (
                Predicate::Time(
                    TimeField::UpdatedAt,
                    Relation::Gte,
                    time::parse("2024-02-15").unwrap(),
                ),
                Some("updated_at=gte%3A2024-02-15T00%3A00%3A00Z"),
            ),
            (Predicate::Protected(true), Some("protected=true")),
            (Predicate::Tag("t".to_owned()), Some("tag=t")),
            (property("os_distro", "ubuntu"), Some("os_distro=ubuntu")),
            (
                property("trait:CUSTOM_X", "required"),
                Some("trait%3ACUSTOM_X=required"),
            ),
            (
                property("instance_uuid", "a:b"),
                Some("instance_uuid=a%3Ab"),
            ),
            (property("limit", "1"), None),
            (property("sort", "name:asc"), None),
            (property("gpu_min", "1"), None),
            (property("changes-since", "1"), None),
            (property("", "x"), None),
        ] {
            let (query, residual, nothing) = split(vec![predicate.clone()]);
            assert_eq!(query, pushed.unwrap_or_default(), "{predicate:?}");
            assert_eq!(residual.is_empty(), pushed.is_some(), "{predicate:?}");
            assert!(!nothing, "{predicate:?}");
        }
    }

    #[test]
    fn a_query_that_cannot_match_requests_an_empty_page() {
        for never in [
            Predicate::Nothing,
            property("visibility", "all"),
            property("name", "x"),
        ] {
            let plan = plan(&Query {
                predicates: vec![never],
                ..Query::default()
            });
            assert!(plan.nothing && plan.pushed.is_empty() && plan.residual.is_empty());
            assert_eq!(
                page(&plan, Some("m"), 1000).target,
                "/v2/images?limit=0&marker=m"
            );
        }
    }

    #[test]
    fn a_second_condition_on_the_same_parameter_is_checked_by_the_proxy() {
        let (query, residual, _) = split(vec![
            property("a", "1"),
            property("a", "2"),
            Predicate::Tag("x".into()),
            Predicate::Tag("y".into()),
        ]);
        assert_eq!(query, "a=1&tag=x&tag=y");
        assert_eq!(residual, [property("a", "2")]);
    }

    #[test]
    fn pages_carry_scope_limit_and_marker() {
        let query = Query {
            scope: Scope {
                hidden: true,
                ..Scope::default()
            },
            ..Query::default()
        };
        let plan = plan(&query);
        assert_eq!(
            page(&plan, None, 7).target,
            "/v2/images?os_hidden=true&limit=7"
        );
        assert_eq!(
            page(&plan, Some("a/b&c"), 7).target,
            "/v2/images?os_hidden=true&limit=7&marker=a%2Fb%26c"
        );
    }
}
