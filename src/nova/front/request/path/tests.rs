use http::Method;
use proptest::prelude::*;

use super::{NovaRoute, recognise, unsuffixed};
use crate::nova::compat::{Compat, Release, Suffixes, Xml};
use crate::nova::front::request::created_image::created_images;
use crate::webob::urlmap::collapsed;

const ID: &str = "36a71c26-de94-5f09-9e67-cdc245586d89";

/// Describes the route: the operation's name and its captures, or the name of the other result.
fn word(method: &Method, path: &str) -> String {
    match recognise(method, &collapsed(path)) {
        NovaRoute::Image {
            place,
            operation,
            id,
            key,
        } => {
            let mut words = vec![operation.name, place.version, place.project.unwrap_or("-")];
            words.extend(id.as_ref().map(crate::model::ImageId::as_str));
            words.extend(key.as_ref().map(super::MetadataKey::as_str));
            words.join(" ")
        }
        NovaRoute::NoImage { .. } => "no image".to_owned(),
        NovaRoute::NoItem { .. } => "no item".to_owned(),
        NovaRoute::Nowhere => "nowhere".to_owned(),
        NovaRoute::NoMethod => "no method".to_owned(),
        NovaRoute::Unread | NovaRoute::Below | NovaRoute::Elsewhere => "elsewhere".to_owned(),
    }
}

fn get(path: &str) -> String {
    word(&Method::GET, &path.replace("ID", ID))
}

#[test]
fn image_routes_are_recognised() {
    for (path, is) in [
        ("/v2/images", "list-images v2 -"),
        ("/v2.1/a1fa-00/images", "list-images v2.1 a1fa-00"),
        ("/v1.1/820259/images", "list-images v1.1 820259"),
        ("/v2.1/my%20project/images", "list-images v2.1 my%20project"),
        ("/v2.1/klíč/images", "list-images v2.1 klíč"),
        ("/v2.1/p/images/detail", "list-images-detail v2.1 p"),
        ("/v2.1/p/%69mages/detai%6C", "list-images-detail v2.1 p"),
        ("/v2%2E1/images", "list-images v2.1 -"),
        ("/v2.1/p/images/1", "show-image v2.1 p 1"),
        ("//v2.1//images", "list-images v2.1 -"),
        ("/v2.1//images/a/metadata", "list-image-metadata v2.1 - a"),
        ("/v2.1/p///images//detail", "list-images-detail v2.1 p"),
        ("/v2.1/p/images//a", "show-image v2.1 p a"),
        ("/v2.1/images/images", "show-image v2.1 - images"),
        ("/v2.1/p/images/a%2Db", "show-image v2.1 p a-b"),
        ("/v2.1/p/images/a/metadata", "list-image-metadata v2.1 p a"),
        (
            "/v2.1/p/images/a/metadata/a.b:c%20d",
            "show-image-metadata-item v2.1 p a a.b:c d",
        ),
        (
            "/v2.1/p/images/a/metadata/kl%C3%AD%C4%8D",
            "show-image-metadata-item v2.1 p a klíč",
        ),
        (
            "/v2.1/p/images/a/metadata/-dash",
            "show-image-metadata-item v2.1 p a -dash",
        ),
    ] {
        assert_eq!(get(path), is, "{path}");
        assert_eq!(word(&Method::HEAD, path), is, "{path}");
    }
}

#[test]
fn other_requests_are_not_image_requests() {
    for path in [
        "/",
        "",
        "*",
        "/v2.1",
        "/v2.1/",
        "/v2.1/p/",
        "/images",
        "/v3/p/images",
        "/p/images/ID",
        "/v2.1/p/Images",
        "/v2.1/p/images.json",
        "/v2.1/p/q/images",
        "/v2.1/os-aggregates/1/images",
        "/v2.1/os-aggregates/images",
        "/v2.1/p/os-aggregates/1/images",
        "/v2.1/os-keypairs/images",
        "/v2.1/servers/images",
        "/v2.1/servers/x/images",
        "/v2.1/servers//images",
        "/v2.1//servers//x/images",
        "//images",
        "/v2.1/servers/x%2Fimages",
        "/v2.1/servers/..%2Fx",
        "/v2.1/flavors/images",
        "/v2.1/p/servers/a//b/../c",
        "/v2.1/p/%2569mages/a",
        "/v2.1/p/images/ID/file",
        "/v2.1/p/images/ID/metadata/a/b",
    ] {
        assert_eq!(get(path), "elsewhere", "{path}");
    }
    let paths = ["", "/detail", "/x", "/x/metadata", "/x/metadata/k"];
    for (method, read) in [
        (Method::PATCH, [None; 5]),
        (Method::OPTIONS, [None; 5]),
        (
            Method::POST,
            [
                None,
                None,
                None,
                Some("merge-image-metadata v2.1 p x"),
                None,
            ],
        ),
        (
            Method::PUT,
            [
                None,
                None,
                None,
                Some("replace-image-metadata v2.1 p x"),
                Some("set-image-metadata-item v2.1 p x k"),
            ],
        ),
        (
            Method::DELETE,
            [
                None,
                Some("delete-image v2.1 p detail"),
                Some("delete-image v2.1 p x"),
                None,
                Some("delete-image-metadata-item v2.1 p x k"),
            ],
        ),
    ] {
        for (tail, read) in paths.iter().zip(read) {
            let path = format!("/v2.1/p/images{tail}");
            assert_eq!(
                word(&method, &path),
                read.unwrap_or("elsewhere"),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn an_image_that_cannot_exist_is_refused_for_every_method() {
    for id in [
        "ID%3Ffoo=bar",
        "ID%23x",
        "a%20b",
        "a%25b",
        "%zz",
        "%2e%2e",
        "%2E",
        ".x",
        "%C3%A9",
        "%E9",
        "%00",
        "ID%0d%0aX:%20y",
        "a%5Cb",
        "{ID}",
        "a;b",
        "0123456789012345678901234567890123456",
    ] {
        for tail in ["", "/metadata", "/metadata/k"] {
            let path = format!("/v2.1/p/images/{id}{tail}").replace("ID", ID);
            for method in [Method::GET, Method::DELETE, Method::POST] {
                assert_eq!(word(&method, &path), "no image", "{method} {path}");
            }
        }
    }
    let long = "k".repeat(256);
    for key in [
        "%00",
        "%2e%2e",
        "a%3Fb",
        "a%23",
        "%25",
        "a%5Cb",
        "%ff",
        long.as_str(),
    ] {
        let path = format!("/v2.1/p/images/a/metadata/{key}");
        assert_eq!(get(&path), "no item", "{path}");
        assert_eq!(word(&Method::DELETE, &path), "no item", "{path}");
    }
    let longest = "k".repeat(255);
    assert!(get(&format!("/v2.1/p/images/a/metadata/{longest}")).starts_with("show-image-meta"));
}

#[test]
fn other_spellings_of_image_routes_are_refused() {
    for path in [
        "/v2.1/a%5cb/images/v2.1/..",
        "/v2.1/images/",
        "/v2.1/p/images/detail/",
        "/v2.1/p/images/ID/",
        "/v2.1/p/images/ID/metadata/",
        "/v2.1/p/images//",
        "/v2.1/p//images/detail//",
        "/v2.1/p/images/%2F/detail",
        "/v2.1/p/images/.",
        "/v2.1/p/images/../servers",
        "/v2.1/p/images/..%2fID",
        "/v2.1/p/images/ID%2Fmetadata",
        "/v2.1/p/images/ID/metadata/a%2Fb",
        "/v2.1/p/images/ID%3F/file",
        "/v2.1/p/images/ID/x%00",
        "/v2.1/./images/x",
        "/v2/./p/images",
        "/v2.1/p/%2e/images",
        "/v2.1/../images",
        "/v2.1/p/foo/../images/..",
        "/v2.1/p/%69mages/..",
        "/x/../v2.1/images",
        "/v2%2Fp/images",
        "/v2/p%2Fimages",
        "/v2/p/images%2Fdetail",
        "/v2.1/servers/x/../../images",
        "/v2.1/p%5Cimages",
        "/v2.1/%ff/images",
        "/v2.1/p%00/images",
    ] {
        for method in [Method::GET, Method::DELETE] {
            let path = path.replace("ID", ID);
            assert_eq!(word(&method, &path), "nowhere", "{method} {path}");
        }
    }
}

#[test]
fn suffixes_are_removed_from_image_routes() {
    let found = |compat: &Compat, path: &str| {
        let (stem, media_type) = unsuffixed(compat, &Method::GET, path);
        let name = media_type.map_or("-", |media_type| media_type.name);
        let route = match recognise(&Method::GET, stem) {
            NovaRoute::Image { operation, .. } => operation.name,
            _ => "-",
        };
        format!("{route} {name}")
    };
    let json = "application/json";
    let modern = Compat::default();
    let (icehouse, mitaka) = (Compat::of(Release::Icehouse), Compat::of(Release::Mitaka));
    let off = Compat {
        suffixes: Suffixes::Off,
        ..Compat::default()
    };
    let literal = Compat::default().literal();
    for (path, operation, is_item) in [
        ("/v2.1/p/images.json", "list-images", false),
        ("/v2/images/detail.json", "list-images-detail", false),
        ("/v2/p/images/a.json", "show-image", false),
        ("/v2/p/images/a.b.json", "show-image", false),
        ("/v2/p/images/a/metadata.json", "list-image-metadata", false),
        (
            "/v2/p/images/a/metadata/k.json",
            "show-image-metadata-item",
            true,
        ),
    ] {
        let served = format!("{operation} {json}");
        assert_eq!(found(&icehouse, path), served, "{path}");
        assert_eq!(found(&mitaka, path), served, "{path}");
        assert_eq!(found(&mitaka.clone().literal(), path), served, "{path}");
        // In releases without suffixes, a key keeps its suffix.
        let whole = format!("{operation} -");
        let today = if is_item { &whole } else { &served };
        assert_eq!(found(&modern, path), *today, "{path}");
        for compat in [&off, &literal] {
            assert!(found(compat, path).ends_with(" -"), "{path}");
        }
    }
    assert_eq!(found(&off, "/v2/images/detail.json"), "show-image -");
    assert_eq!(found(&off, "/v2/images.json"), "- -");
    assert_eq!(found(&modern, "/v2/images/detail.xml"), "show-image -");
    assert_eq!(
        found(&icehouse, "/v2/images/detail.xml"),
        "list-images-detail application/xml"
    );
    assert_eq!(found(&modern, "/v2/servers/a.json"), "- -");
    assert_eq!(found(&modern, "/v2/images/.json"), "- -");
}

#[test]
fn the_images_of_a_servers_project_are_found_by_its_path() {
    let images = |compat: &Compat, path: &str| created_images(compat, &Method::POST, path);
    let modern = Compat::default();
    for (path, is) in [
        ("/v2.1/demo/servers/1/action", "/v2.1/demo/images"),
        ("/v2.1/demo//servers/1/action", "/v2.1/demo/images"),
        ("//v2//demo/servers//1///action", "/v2/demo/images"),
        ("/v2.1/servers/1/action", "/v2.1/images"),
        ("/v2.1/my%20p/servers/1/action", "/v2.1/my%20p/images"),
        ("/v1.1/demo/servers/1/action.json", "/v1.1/demo/images"),
        ("/v2/demo/servers/1/action.json", "/v2/demo/images"),
        ("/v2.1/demo/s%65rvers/1/action", "/v2.1/demo/images"),
    ] {
        assert_eq!(images(&modern, path).as_deref(), Some(is), "{path}");
        assert_eq!(created_images(&modern, &Method::GET, path), None, "{path}");
    }
    for path in [
        "/v2.1/demo/servers/1/action/",
        "/v2.1/demo/servers/1/action.xml",
        "/v2.1/demo/servers/1/actions",
        "/v2.1/demo/servers//action",
        "/v2.1/demo/servers/action",
        "/v2.1/demo/x/servers/1/action",
        "/v2.1/os-x/servers/1/action",
        "/v2.1/demo/./servers/1/action",
        "/v3/demo/servers/1/action",
        "/servers/1/action",
        "/v2.1/demo/servers/%2E%2E/action",
    ] {
        assert_eq!(images(&modern, path), None, "{path}");
    }
    let (json, xml) = ("/v2/p/servers/1/action.json", "/v2/p/servers/1/action.xml");
    let literal = Compat::default().literal();
    assert_eq!(images(&literal, json), None);
    assert_eq!(
        images(&literal, "/v2/p/servers/1/action"),
        None,
        "no project of Nova's"
    );
    assert_eq!(
        images(&literal, "/v2/a1/servers/1/action").as_deref(),
        Some("/v2/a1/images")
    );
    let legacy = Compat {
        xml: Xml::Legacy,
        ..Compat::default()
    };
    assert_eq!(images(&legacy, xml).as_deref(), Some("/v2/p/images"));
}

/// Generates paths from significant pieces, so that not every path is `Elsewhere`.
fn paths() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("v2.1"),
        Just("v2"),
        Just("p"),
        Just("images"),
        Just("%69mages"),
        Just("detail"),
        Just("metadata"),
        Just("servers"),
        Just(".."),
        Just("."),
        Just(""),
        Just("%2e%2e"),
        Just("a%2Fimages"),
        Just("a%5cb"),
        Just("x%3f"),
        Just("%ff"),
        Just("%"),
        Just("é"),
        Just(ID),
        Just("os-x"),
    ];
    proptest::collection::vec(piece, 0..7).prop_map(|pieces| format!("/{}", pieces.join("/")))
}

/// Returns the path as servers may read it: decoded, with slashes merged and dot segments resolved.
fn as_servers_see(path: &str) -> Vec<String> {
    let decoded = percent_encoding::percent_decode_str(path)
        .decode_utf8_lossy()
        .into_owned();
    let mut seen = Vec::new();
    for piece in decoded.split('/') {
        match piece {
            "" | "." => {}
            ".." => {
                seen.pop();
            }
            _ => seen.push(piece.to_owned()),
        }
    }
    seen
}

proptest! {
    #[test]
    fn no_path_panics(path in "\\PC{0,60}") {
        let _ = recognise(&Method::GET, &path);
    }

    #[test]
    fn a_path_that_passes_is_an_image_route_to_no_server_unless_spelled_plainly(path in paths()) {
        let is_images = match as_servers_see(&path).as_slice() {
            [version, images, ..] if images == "images" => version.starts_with("v2"),
            [version, project, images, ..] if images == "images" => {
                version.starts_with("v2") && project != "servers" && project != "os-x"
            }
            _ => false,
        };
        if is_images && matches!(recognise(&Method::GET, &collapsed(&path)), NovaRoute::Unread | NovaRoute::Below | NovaRoute::Elsewhere) {
            for segment in collapsed(&path).split('/').skip(1) {
                let text = percent_encoding::percent_decode_str(segment).decode_utf8().unwrap();
                prop_assert!(!matches!(&*text, "" | "." | "..") && !text.contains('/'), "{}", path);
            }
        }
    }

    #[test]
    fn captured_ids_are_one_plain_segment(path in paths()) {
        if let NovaRoute::Image { id: Some(id), .. } = recognise(&Method::GET, &collapsed(&path)) {
            prop_assert!(crate::model::ImageId::parse(id.as_str()).is_some());
        }
    }
}
