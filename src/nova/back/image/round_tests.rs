//! Tests that Nova's backend reads what Nova's frontend writes: an image that went through both is the same in every
//! field that Nova can carry.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::BytesMut;
use http::{HeaderMap, Method};
use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};

use crate::model::{Backend, Image, ListEnd, Recognized, RequestHead, Size, Status, Value, time};
use crate::nova::back::{NovaBackend, NovaImageSettings};
use crate::nova::compat::Compat;
use crate::nova::front::{self, NovaContext};

/// The values of a generated image.
#[derive(Clone, Debug)]
struct Seed {
    id: String,
    name: Option<String>,
    status: Status,
    size: i64,
    min_ram: i64,
    min_disk: i64,
    created: i64,
    updated: i64,
    properties: Vec<(String, Box<RawValue>)>,
}

impl Seed {
    fn image(&self) -> Image<'_> {
        let size = match (self.status, self.size) {
            // `UNKNOWN` with data is read as deactivated.
            (Status::Deactivated, size) => Size::Bytes(size.max(1)),
            (Status::Active, size) | (Status::Saving, size @ 1..) => Size::Bytes(size),
            _ => Size::Null,
        };
        let at = |seconds| {
            Some(Cow::Owned(time::write(
                jiff::Timestamp::from_second(seconds).unwrap(),
            )))
        };
        Image {
            id: Cow::Borrowed(&self.id),
            name: self.name.as_deref().map(Cow::Borrowed),
            status: self.status,
            size,
            min_ram: self.min_ram,
            min_disk: self.min_disk,
            created_at: at(self.created),
            updated_at: at(self.updated),
            properties: self
                .properties
                .iter()
                .map(|(key, value)| (Cow::Borrowed(&**key), Value::Raw((&**value).into())))
                .collect(),
            ..Image::default()
        }
    }
}

fn seed() -> impl Strategy<Value = Seed> {
    let status = prop::sample::select(vec![
        Status::Queued,
        Status::Saving,
        Status::Active,
        Status::Killed,
        Status::Deactivated,
        Status::Importing,
        Status::PendingDelete,
    ]);
    let value = prop_oneof![
        "\\PC{0,12}|[\\x00-\\x7f]{0,6}".prop_map(|text| to_raw_value(&text).unwrap()),
        Just(to_raw_value(&()).unwrap()),
    ];
    let key =
        "[a-z_:.]{1,8}|instance_uuid|image_type|auto_disk_config|kernel_id|owner_id|\\PC{1,6}";
    let key = key.prop_filter("an attribute", |key| {
        !crate::model::attributes::is_base_property(key)
    });
    let properties = prop::collection::btree_map(key, value, 0..6);
    let times = (
        -2_000_000_000_i64..4_000_000_000,
        -2_000_000_000_i64..4_000_000_000,
    );
    (
        "[a-z0-9-]{1,36}",
        prop::option::of("\\PC{0,20}"),
        status,
        0..i64::MAX,
        0..i64::from(i32::MAX),
        0..i64::from(i32::MAX),
        times,
        properties,
    )
        .prop_map(
            |(id, name, status, size, min_ram, min_disk, (created, updated), properties)| Seed {
                id,
                name,
                status,
                size,
                min_ram,
                min_disk,
                created,
                updated,
                properties: properties.into_iter().collect(),
            },
        )
}

/// Returns what a Nova would write about the image in reply to a GET.
fn written(path: &str, compat: &Compat, image: &Image<'_>) -> Vec<u8> {
    let context = NovaContext {
        base: "http://nova:8774".to_owned(),
        compat: Arc::new(compat.clone()),
        caller: None,
    };
    let Recognized::Call(asked) = front::read(
        &context,
        RequestHead {
            method: &Method::GET,
            path,
            query: None,
            headers: &HeaderMap::new(),
        },
    ) else {
        panic!("{path} is an image request");
    };
    if path.ends_with("/detail") {
        let mut out = BytesMut::new();
        asked.responder.list_open(&mut out);
        let from = out.len();
        asked.responder.list_item(image, 0, &mut out);
        let item = out[from..].to_vec();
        let end = ListEnd {
            count: 1,
            last: None,
        };
        asked.responder.list_close(&end, &mut out);
        serde_json::from_slice::<serde_json::Value>(&out).unwrap();
        return item;
    }
    asked.responder.show(image).unwrap().into_body().to_vec()
}

/// The fields that Nova carries, in a form that can be compared.
fn carried(image: &Image<'_>) -> String {
    let properties: Vec<_> = image
        .properties
        .iter()
        .map(|(key, value)| (key.to_string(), fitted(key, value)))
        .collect();
    format!(
        "{} {:?} {:?} {:?} {} {} {:?} {:?} {properties:?}",
        image.id,
        image.name,
        image.status,
        image.size,
        image.min_ram,
        image.min_disk,
        image.created_at,
        image.updated_at
    )
}

/// `kernel_id` may be null in Glance's schema and is shown only as an id or null, so its text is not compared.
fn fitted(key: &str, value: &Value<'_>) -> Option<String> {
    let text = value.text().unwrap_or_default();
    (key != "kernel_id").then(|| text.into_owned())
}

proptest! {
    #[test]
    fn the_back_reads_what_the_front_writes(seed in seed(), extensions in any::<bool>()) {
        let image = seed.image();
        let back = NovaBackend {
            settings: Arc::new(NovaImageSettings { pending_delete: true, ..NovaImageSettings::default() }),
            project: None,
            caller: None,
        };
        let compat = Compat {
            extension_disk_config: extensions,
            ..Compat::default()
        };
        let element = written("/v2.1/images/detail", &compat, &image);
        let listed = back.listed(&element).unwrap();
        let body = written(&format!("/v2.1/images/{}", seed.id), &compat, &image);
        let shown = back.shown(&body).unwrap();
        prop_assert_eq!(carried(&listed), carried(&image));
        prop_assert_eq!(carried(&shown), carried(&image));
        prop_assert_eq!(&listed.owner, &shown.owner);
        prop_assert_eq!(&listed.visibility, &shown.visibility);
    }

    #[test]
    fn a_predicate_gives_the_same_result_for_a_translated_image(seed in seed(), key in "[a-z]{1,3}") {
        let image = seed.image();
        let back = NovaBackend { settings: Arc::default(), project: None, caller: Some("mine".to_owned()) };
        let element = written("/v2/images/detail", &Compat::default(), &image);
        let listed = back.listed(&element).unwrap();
        for value in [Some(key.as_str()), image.name.as_deref()].into_iter().flatten() {
            let predicate = crate::model::Predicate::Text(crate::model::query::TextField::Name, vec![value.to_owned()]);
            prop_assert_eq!(predicate.holds(&listed), predicate.holds(&image));
        }
    }

    #[test]
    fn no_element_panics(element in "\\PC{0,60}|\\{\"(id|metadata|server|status|size)\": ?(\"a\"|1|\\{\\}|\\[\\]|null)\\}") {
        let back = NovaBackend { settings: Arc::default(), project: None, caller: None };
        let _ = back.listed(element.as_bytes());
        let _ = back.shown(element.as_bytes());
    }
}
