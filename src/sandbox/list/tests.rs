use proptest::prelude::*;

use super::list;
use crate::model::Query;
use crate::model::query::{Predicate, Sort, SortKey, TextField};
use crate::sandbox::{Store, StoreCaller};

const KEYS: [SortKey; 8] = [
    SortKey::Name,
    SortKey::Status,
    SortKey::ContainerFormat,
    SortKey::DiskFormat,
    SortKey::Size,
    SortKey::Id,
    SortKey::CreatedAt,
    SortKey::UpdatedAt,
];

fn caller() -> StoreCaller {
    StoreCaller {
        project: "p".to_owned(),
        ..StoreCaller::default()
    }
}

fn ids(store: &Store, query: &Query) -> Vec<String> {
    list(store, &caller(), query)
        .unwrap()
        .into_iter()
        .map(|image| image.id.into_owned())
        .collect()
}

fn sorted_by(key: SortKey, ascending: bool) -> Query {
    Query {
        sort: vec![Sort { key, ascending }],
        ..Query::default()
    }
}

fn three() -> Store {
    Store::from_json(
        r#"{"images": [
            {"id": "a", "owner": "p", "status": "active", "name": null, "size": 5, "created_at": "2024-01-01T00:00:00Z"},
            {"id": "b", "owner": "p", "status": "active", "name": "", "size": null, "created_at": "2024-01-02T00:00:00Z"},
            {"id": "c", "owner": "p", "status": "active", "name": "Z", "size": 0, "created_at": "2024-01-02T00:00:00Z"}]}"#,
    )
    .unwrap()
}

#[test]
fn newest_first_and_nulls_before_everything() {
    let store = three();
    assert_eq!(ids(&store, &Query::default()), ["c", "b", "a"]);
    assert_eq!(
        ids(&store, &sorted_by(SortKey::Name, true)),
        ["a", "b", "c"]
    );
    assert_eq!(
        ids(&store, &sorted_by(SortKey::Size, true)),
        ["b", "c", "a"]
    );
    assert_eq!(
        ids(&store, &sorted_by(SortKey::Size, false)),
        ["a", "c", "b"]
    );
}

#[test]
fn a_marker_need_not_match_the_filters() {
    let query = Query {
        predicates: vec![Predicate::Text(TextField::Name, vec![String::new()])],
        marker: Some("c".to_owned()),
        ..Query::default()
    };
    assert_eq!(ids(&three(), &query), ["b"]);
    let none = Query {
        limit: Some(0),
        ..Query::default()
    };
    assert!(ids(&three(), &none).is_empty());
}

#[test]
fn markers_that_are_refused() {
    let store = Store::from_json(
        r#"{"images": [{"id": "x", "owner": "q", "visibility": "private", "status": "active"}]}"#,
    )
    .unwrap();
    let refusal = |marker: &str| {
        let query = Query {
            marker: Some(marker.to_owned()),
            ..Query::default()
        };
        let fault = list(&store, &caller(), &query).unwrap_err();
        (fault.status.as_u16(), fault.message)
    };
    assert_eq!(
        refusal("nope"),
        (400, "No image found with ID nope".to_owned())
    );
    assert_eq!(refusal(""), (400, "No image found with ID ".to_owned()));
    assert_eq!(
        refusal("x"),
        (403, "Forbidding request, image x not visible".to_owned())
    );
    assert_eq!(refusal(&"x".repeat(37)).0, 400);
}

prop_compose! {
    fn image(id: usize)(
        name in proptest::option::of("[ab]{0,1}"),
        size in proptest::option::of(0i64..3),
        disk in proptest::option::of("raw|iso"),
        day in 1u8..4,
    ) -> serde_json::Value {
        serde_json::json!({"id": format!("i{id}"), "owner": "p", "status": "active", "name": name, "size": size,
            "disk_format": disk, "created_at": format!("2024-01-0{day}T00:00:00Z")})
    }
}

fn store() -> impl Strategy<Value = Store> {
    (0usize..14)
        .prop_flat_map(|count| (0..count).map(image).collect::<Vec<_>>())
        .prop_map(|images| {
            Store::from_json(&serde_json::json!({ "images": images }).to_string()).unwrap()
        })
}

proptest! {
    #[test]
    fn pages_of_any_size_are_the_whole_list(
        store in store(),
        sort in proptest::collection::vec((0usize..8, any::<bool>()), 0..3),
        limit in 1u64..6,
    ) {
        let mut query = Query {
            sort: sort.into_iter().map(|(key, ascending)| Sort { key: KEYS[key], ascending }).collect(),
            ..Query::default()
        };
        let whole = ids(&store, &query);
        prop_assert_eq!(whole.len(), store.len());
        query.limit = Some(limit);
        let mut walked = Vec::new();
        loop {
            let page = ids(&store, &query);
            let Some(last) = page.last() else { break };
            query.marker = Some(last.clone());
            walked.extend(page);
        }
        prop_assert_eq!(walked, whole);
    }
}
