use std::sync::Arc;

use super::plan;
use crate::json::splitter::Envelope;
use crate::model::query::{
    MemberStatus, NumberField, NumberTest, Predicate, Relation, Scope, Sort, SortKey, TextField,
    TimeField, Visibility,
};
use crate::model::{Backend, ImageId, Plan, Query, time};
use crate::nova::back::{NovaBackend, NovaImageSettings};

fn text(field: TextField, values: &[&str]) -> Predicate {
    Predicate::Text(
        field,
        values.iter().map(|value| (*value).to_owned()).collect(),
    )
}

fn property(key: &str, value: &str) -> Predicate {
    Predicate::Property(key.to_owned(), value.to_owned())
}

fn at(relation: Relation, at: &str) -> Predicate {
    Predicate::Time(TimeField::UpdatedAt, relation, time::parse(at).unwrap())
}

fn split(predicates: Vec<Predicate>) -> Plan {
    plan(
        &NovaImageSettings::default(),
        &Query {
            predicates,
            ..Query::default()
        },
    )
}

#[test]
fn each_predicate_is_pushed_and_rechecked_or_kept() {
    for (predicate, pushed) in [
        (text(TextField::Name, &["a b&c"]), Some("name=a+b%26c")),
        (text(TextField::Name, &["Ubuntu: 14"]), None),
        (text(TextField::Name, &[""]), None),
        (text(TextField::Name, &["a", "b"]), None),
        (text(TextField::Id, &["a"]), None),
        (text(TextField::Status, &["active"]), None),
        (text(TextField::Owner, &["a"]), None),
        (
            Predicate::Number(NumberField::MinRam, NumberTest::Is(64)),
            Some("minRam=64"),
        ),
        (
            Predicate::Number(NumberField::MinDisk, NumberTest::Is(0)),
            Some("minDisk=0"),
        ),
        (
            Predicate::Number(NumberField::MinRam, NumberTest::AtLeast(64)),
            None,
        ),
        (
            Predicate::Number(NumberField::Size, NumberTest::Is(5)),
            None,
        ),
        (
            Predicate::Number(NumberField::Size, NumberTest::AtMost(5)),
            None,
        ),
        (
            at(Relation::Gte, "2024-02-15T00:00:00Z"),
            Some("changes-since=2024-02-14T23%3A59%3A59Z"),
        ),
        (
            at(Relation::Gt, "2024-02-15T00:00:00.5Z"),
            Some("changes-since=2024-02-14T23%3A59%3A59Z"),
        ),
        (
            at(Relation::Eq, "2024-02-15"),
            Some("changes-since=2024-02-14T23%3A59%3A59Z"),
        ),
        (at(Relation::Gte, "0001-01-01"), None),
        (at(Relation::Lt, "2024-02-15"), None),
        (at(Relation::Lte, "2024-02-15"), None),
        (at(Relation::Neq, "2024-02-15"), None),
        (
            Predicate::Time(
                TimeField::CreatedAt,
                Relation::Gte,
                time::parse("2024").unwrap(),
            ),
            None,
        ),
        (property("instance_uuid", "a:b"), Some("server=a%3Ab")),
        (property("instance_uuid", "a/b"), None),
        (property("image_type", "snapshot"), Some("type=snapshot")),
        (
            property("architecture", "x86_64"),
            Some("property-architecture=x86_64"),
        ),
        (property("hw:x", "é"), Some("property-hw%3Ax=%C3%A9")),
        (property("architecture", ""), None),
        (property("os_distro", "ubuntu"), None),
        (property("trait:CUSTOM_X", "required"), None),
        (property("ramdisk_id", "x"), None),
        (property("project_id", "x"), None),
        (property("emulator", "x"), None),
        (property("y", "x"), None),
        (property("-", "x"), None),
        (property("", "x"), None),
        (property("_x", "x"), None),
        (property("limit", "1"), None),
        (property("sort", "name:asc"), None),
        (property("gpu_min", "1"), None),
        (property("auto_disk_config", "True"), None),
        (property("block_device_mapping", "[]"), None),
    ] {
        let plan = split(vec![predicate.clone()]);
        assert_eq!(plan.pushed, pushed.unwrap_or_default(), "{predicate:?}");
        let (pushed, kept) = match pushed {
            Some(_) => (vec![predicate.clone()], vec![]),
            None => (vec![], vec![predicate.clone()]),
        };
        assert_eq!(plan.recheck[1..], pushed, "{predicate:?}");
        assert_eq!(plan.residual, kept, "{predicate:?}");
        assert!(!plan.nothing && plan.scan.is_none(), "{predicate:?}");
    }
}

#[test]
fn a_predicate_on_a_field_that_nova_does_not_report_matches_nothing_or_all() {
    for (predicate, nothing) in [
        (Predicate::Nothing, true),
        (Predicate::Tag("t".to_owned()), true),
        (Predicate::Protected(true), true),
        (Predicate::Protected(false), false),
        (text(TextField::Checksum, &["x"]), true),
        (text(TextField::OsHashAlgo, &["x"]), true),
        (text(TextField::OsHashValue, &["x"]), true),
        (text(TextField::DiskFormat, &["raw"]), true),
        (text(TextField::ContainerFormat, &["bare"]), true),
        (text(TextField::Name, &[]), true),
        (
            Predicate::Number(NumberField::VirtualSize, NumberTest::AtLeast(0)),
            true,
        ),
        (property("visibility", "all"), true),
        (property("name", "x"), true),
    ] {
        let plan = split(vec![predicate.clone()]);
        assert_eq!(plan.nothing, nothing, "{predicate:?}");
        assert!(
            plan.pushed.is_empty() && plan.residual.is_empty(),
            "{predicate:?}"
        );
    }
    let raw = NovaImageSettings {
        disk_format: Some("raw".to_owned()),
        ..NovaImageSettings::default()
    };
    let wanted = text(TextField::DiskFormat, &["raw"]);
    let query = Query {
        predicates: vec![wanted.clone()],
        ..Query::default()
    };
    assert_eq!(plan(&raw, &query).residual, [wanted]);
}

#[test]
fn scopes_are_decided_by_the_visibility_that_is_shown() {
    let scope = |visibility, member_status, hidden| Scope {
        visibility,
        member_status,
        hidden,
    };
    let shown = |word| Some(text(TextField::Visibility, &[word]));
    for (scope, nothing, residual) in [
        (scope(None, None, false), false, None),
        (scope(None, None, true), true, None),
        (scope(Some(Visibility::All), None, false), false, None),
        (
            scope(Some(Visibility::Public), None, false),
            false,
            shown("public"),
        ),
        (
            scope(Some(Visibility::Private), None, false),
            false,
            shown("private"),
        ),
        (
            scope(Some(Visibility::Shared), Some(MemberStatus::All), false),
            true,
            None,
        ),
        (scope(Some(Visibility::Community), None, false), true, None),
        (scope(None, Some(MemberStatus::Pending), false), false, None),
    ] {
        let query = Query {
            scope: scope.clone(),
            ..Query::default()
        };
        let plan = plan(&NovaImageSettings::default(), &query);
        assert_eq!(plan.nothing, nothing, "{scope:?}");
        assert_eq!(
            plan.residual,
            residual.into_iter().collect::<Vec<_>>(),
            "{scope:?}"
        );
    }
}

#[test]
fn a_second_condition_on_the_same_filter_is_checked_by_the_proxy() {
    let plan = split(vec![property("a", "1"), property("a", "2")]);
    assert_eq!(plan.pushed, "property-a=1");
    assert_eq!(plan.residual, [property("a", "2")]);
}

#[test]
fn only_the_upstreams_own_order_needs_no_scan() {
    let newest = Sort {
        key: SortKey::CreatedAt,
        ascending: false,
    };
    let by_name = Sort {
        key: SortKey::Name,
        ascending: true,
    };
    for (trusted_order, sort, predicates, scans) in [
        (true, vec![], vec![], false),
        (true, vec![newest], vec![], false),
        (
            true,
            vec![],
            vec![text(TextField::Status, &["active"])],
            false,
        ),
        (true, vec![by_name], vec![], true),
        (false, vec![], vec![], true),
        (false, vec![by_name], vec![Predicate::Nothing], false),
    ] {
        let settings = NovaImageSettings {
            trusted_order,
            ..NovaImageSettings::default()
        };
        let query = Query {
            sort: sort.clone(),
            predicates,
            ..Query::default()
        };
        let plan = plan(&settings, &query);
        assert_eq!(plan.scan.is_some(), scans, "{trusted_order} {sort:?}");
        if let Some(order) = plan.scan {
            assert_eq!(order.keys().last().map(|sort| sort.key), Some(SortKey::Id));
        }
    }
}

#[test]
fn requests_name_version_project_limit_and_marker() {
    let id = ImageId::parse("70a5").unwrap();
    for (version, project, root) in [
        ("v2.1", None, "/v2.1"),
        ("v2", Some("A"), "/v2/A"),
        ("v1.1", Some("a b/ü"), "/v1.1/a%20b%2F%C3%BC"),
    ] {
        let back = NovaBackend {
            settings: Arc::new(NovaImageSettings {
                version: version.to_owned(),
                page_size: 100,
                ..NovaImageSettings::default()
            }),
            project: project.map(str::to_owned),
            caller: None,
        };
        let query = Query {
            predicates: vec![text(TextField::Name, &["x"])],
            ..Query::default()
        };
        let plan = back.plan(&query);
        let page = |plan: &Plan, marker, want| back.page(plan, marker, want).target;
        let list = format!("{root}/images/detail?name=x");
        assert_eq!(page(&plan, None, None), format!("{list}&limit=100"));
        assert_eq!(
            page(&plan, Some("a&b"), Some(7)),
            format!("{list}&limit=7&marker=a%26b")
        );
        assert_eq!(page(&plan, None, Some(700)), format!("{list}&limit=100"));
        assert_eq!(
            page(&plan, None, Some(0)),
            format!("{list}&limit=1"),
            "newer Novas refuse 0"
        );
        let nothing = Plan {
            nothing: true,
            ..plan
        };
        assert_eq!(
            page(&nothing, Some("m"), None),
            format!("{list}&limit=1&marker=m")
        );
        assert_eq!(back.show(&id).target, format!("{root}/images/70a5"));
        for other in ["detail", "new", "70a5.json", "70a5.xml"] {
            let other = ImageId::parse(other).unwrap();
            let none = format!("{root}/images/00000000-0000-0000-0000-000000000000");
            assert_eq!(
                back.show(&other).target,
                none,
                "Nova does not read {other} as an id"
            );
        }
        assert!(back.has_next(&Envelope::default(), 1) && !back.has_next(&Envelope::default(), 0));
    }
}
