//! The straightforward translation through a tree of values, as a reference for the results and the speed.

use serde_json::{Map, Value, json};

/// Glance's fields of an image that Nova does not show as metadata.
const BASE_FIELDS: [&str; 23] = [
    "name",
    "disk_format",
    "container_format",
    "visibility",
    "size",
    "virtual_size",
    "status",
    "checksum",
    "protected",
    "min_ram",
    "min_disk",
    "owner",
    "os_hidden",
    "os_hash_algo",
    "os_hash_value",
    "id",
    "created_at",
    "updated_at",
    "tags",
    "self",
    "file",
    "schema",
    "stores",
];

/// Returns the images of a page.
pub fn elements(page: &str) -> Vec<Value> {
    let Value::Object(mut page) = serde_json::from_str(page).unwrap() else {
        panic!("the page is an object");
    };
    match page.remove("images") {
        Some(Value::Array(images)) => images,
        other => panic!("images are {other:?}"),
    }
}

/// The list that Nova would make of a page of active images that belong to no server, for a client without a project in
/// its URLs.
pub fn list(page: &str, base: &str) -> Value {
    let images: Vec<_> = elements(page)
        .into_iter()
        .map(|image| detailed(image, base))
        .collect();
    json!({ "images": images })
}

fn detailed(image: Value, base: &str) -> Value {
    let Value::Object(mut image) = image else {
        panic!("an image is an object");
    };
    let mut taken = Map::new();
    for name in BASE_FIELDS {
        taken.extend(image.remove_entry(name));
    }
    let id = taken["id"].as_str().unwrap();
    let links = json!([
        {"rel": "self", "href": format!("{base}/v2.1/images/{id}")},
        {"rel": "bookmark", "href": format!("{base}/images/{id}")},
        {"rel": "alternate", "type": "application/vnd.openstack.image", "href": format!("/images/{id}")},
    ]);
    json!({
        "id": id,
        "name": taken["name"],
        "minRam": taken["min_ram"],
        "minDisk": taken["min_disk"],
        "metadata": image,
        "created": taken["created_at"],
        "updated": taken["updated_at"],
        "status": "ACTIVE",
        "progress": 100,
        "OS-EXT-IMG-SIZE:size": taken["size"],
        "links": links,
    })
}
