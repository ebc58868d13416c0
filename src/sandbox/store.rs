//! The images of the sandbox, and its callers.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::HeaderValue;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::glance::front::GlanceListSettings;
use crate::glance::image;
use crate::glance::tables::{MEMBER_STATUSES, lookup};
use crate::model::query::MemberStatus;
use crate::model::{Image, ImageId, Value, time};

/// The images that come with the program.
const DEMO: &str = include_str!("../../fixtures/sandbox/images.json");

/// The challenge of a 401 if the store's file does not set one.
const CHALLENGE: &str = "Keystone uri=\"http://127.0.0.1:5000/v3\"";

/// Images in memory.
#[derive(Clone, Debug, Default)]
pub struct Store {
    entries: Vec<Entry>,
    access: Access,
    challenge: Option<HeaderValue>,
    settings: Arc<GlanceListSettings>,
}

/// The sender of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreCaller {
    /// The id of the caller's project.
    pub project: String,
    /// Whether the caller sees the images of all projects.
    #[serde(default)]
    pub admin: bool,
    /// Whether the caller may only read.
    #[serde(default)]
    pub reader: bool,
}

/// Custom properties in their order, with values as JSON.
pub(super) type StoredProperties = Vec<(String, Box<RawValue>)>;

/// An image with its sharing.
#[derive(Debug)]
pub(super) struct Held<'s> {
    /// The image.
    pub image: Image<'s>,
    /// The projects that the image is shared with.
    pub members: &'s HashMap<String, MemberStatus>,
}

#[derive(Clone, Debug)]
struct Entry {
    json: Box<str>,
    members: HashMap<String, MemberStatus>,
    changed: Option<Changed>,
}

/// What has been written since the start.
#[derive(Clone, Debug)]
struct Changed {
    properties: StoredProperties,
    at: String,
}

#[derive(Clone, Debug)]
enum Access {
    /// Tokens are not checked.
    Everybody(StoreCaller),
    /// Each request needs one of these tokens.
    Tokens(HashMap<String, StoreCaller>),
}

impl Default for Access {
    fn default() -> Self {
        Self::Everybody(StoreCaller {
            admin: true,
            ..StoreCaller::default()
        })
    }
}

/// The format of a store's file. A saved reply to Glance's `GET /v2/images` is valid.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'f> {
    /// Glance v2 image objects. Missing attributes are null.
    #[serde(borrow)]
    images: Vec<&'f RawValue>,
    /// Image id -> project id -> `accepted`, `pending` or `rejected`.
    #[serde(default)]
    members: HashMap<String, HashMap<String, String>>,
    /// The caller if there are no tokens; by default an administrator without a project.
    caller: Option<StoreCaller>,
    /// Token -> its caller.
    tokens: Option<HashMap<String, StoreCaller>>,
    /// The `WWW-Authenticate` header of a 401.
    challenge: Option<String>,
    #[serde(rename = "first")]
    _first: Option<IgnoredAny>,
    #[serde(rename = "next")]
    _next: Option<IgnoredAny>,
    #[serde(rename = "schema")]
    _schema: Option<IgnoredAny>,
}

impl Store {
    /// Returns the images that come with the program, with every status, visibility and feature.
    #[must_use]
    pub fn demo() -> Self {
        Self::from_json(DEMO).unwrap_or_default()
    }

    /// Reads a store: `{"images": [...]}`, optionally with `members`, `caller`, `tokens` and `challenge`.
    ///
    /// # Errors
    /// When the text is not such JSON, with line and column. When an image cannot be read, has an invalid id or the id
    /// of another image, or when a membership has an unknown image or status, with its place.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let file: File<'_> = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let mut members = members(&file.members)?;
        let mut seen = HashSet::new();
        let mut entries = Vec::with_capacity(file.images.len());
        for (at, raw) in file.images.iter().enumerate() {
            let place = |error: String| format!("images[{at}]: {error}");
            let id = id(raw.get()).map_err(place)?;
            if !seen.insert(id.clone()) {
                return Err(place(format!("the id {id} is used twice")));
            }
            entries.push(Entry {
                json: raw.get().into(),
                members: members.remove(&id).unwrap_or_default(),
                changed: None,
            });
        }
        if let Some(id) = members.keys().next() {
            return Err(format!("members.{id}: no image has this id"));
        }
        let access = match (file.tokens, file.caller) {
            (Some(tokens), _) => Access::Tokens(tokens),
            (None, Some(caller)) => Access::Everybody(caller),
            (None, None) => Access::default(),
        };
        Ok(Self {
            entries,
            access,
            challenge: file.challenge.as_deref().map(challenge).transpose()?,
            // A real Glance's links lose repeated parameters, and the sandbox imitates that.
            settings: Arc::new(GlanceListSettings {
                keep_repeats: false,
                ..GlanceListSettings::default()
            }),
        })
    }

    /// Sets the default and the maximum page size (Glance's `limit_param_default` and `api_limit_max`).
    #[must_use]
    pub fn with_limits(mut self, limit_param_default: u64, api_limit_max: u64) -> Self {
        self.settings = Arc::new(GlanceListSettings {
            limit_param_default,
            api_limit_max,
            keep_repeats: false,
        });
        self
    }

    /// The number of images, visible or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the store has no images.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The id of the first image in the file.
    pub fn first_id(&self) -> Option<String> {
        let first = self.images().next()?;
        Some(first.image.id.into_owned())
    }

    /// The settings of this Glance.
    pub(super) fn settings(&self) -> &Arc<GlanceListSettings> {
        &self.settings
    }

    /// Returns the caller of a token; `None` if the store requires a token and does not know this one.
    pub(super) fn caller(&self, token: Option<&str>) -> Option<&StoreCaller> {
        match &self.access {
            Access::Everybody(caller) => Some(caller),
            Access::Tokens(tokens) => tokens.get(token?),
        }
    }

    /// Returns the challenge of a 401.
    pub(super) fn challenge(&self) -> HeaderValue {
        self.challenge
            .clone()
            .unwrap_or(HeaderValue::from_static(CHALLENGE))
    }

    /// Returns all images, in file order.
    pub(super) fn images(&self) -> impl Iterator<Item = Held<'_>> {
        self.entries.iter().filter_map(Entry::held)
    }

    /// Removes the image with this id.
    pub(super) fn remove(&mut self, id: &str) {
        self.entries.retain(|entry| !entry.is(id));
    }

    /// Sets the custom properties of the image with this id, and updates its time.
    pub(super) fn set_properties(&mut self, id: &str, properties: StoredProperties) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.is(id)) {
            // Glance's database column holds whole seconds.
            let second = jiff::Timestamp::now().as_second();
            let at = time::write(jiff::Timestamp::from_second(second).unwrap_or_default());
            entry.changed = Some(Changed { properties, at });
        }
    }

    /// Returns the image with this id.
    pub(super) fn image(&self, id: &str) -> Option<Held<'_>> {
        self.images().find(|held| held.image.id == id)
    }
}

impl Entry {
    fn is(&self, id: &str) -> bool {
        self.held().is_some_and(|held| held.image.id == id)
    }

    /// Reads the image from its JSON, which was checked when the store was read.
    fn held(&self) -> Option<Held<'_>> {
        let mut image = image::read(self.json.as_bytes()).ok()?;
        // The default of the database column (`glance/db/sqlalchemy/models.py`).
        image.visibility.get_or_insert("shared".into());
        if let Some(Changed { properties, at }) = &self.changed {
            image.updated_at = Some(Cow::Borrowed(at));
            image.properties = properties
                .iter()
                .map(|(key, value)| (Cow::Borrowed(&**key), Value::Raw((&**value).into())))
                .collect();
        }
        Some(Held {
            image,
            members: &self.members,
        })
    }
}

fn id(json: &str) -> Result<String, String> {
    let id = image::read(json.as_bytes())?.id.into_owned();
    match ImageId::parse(&id) {
        Some(_) => Ok(id),
        None => Err(format!("{id:?} cannot be the id of an image")),
    }
}

type Members = HashMap<String, HashMap<String, MemberStatus>>;

fn members(written: &HashMap<String, HashMap<String, String>>) -> Result<Members, String> {
    let mut members = Members::new();
    for (id, projects) in written {
        let of_image = members.entry(id.clone()).or_default();
        for (project, status) in projects {
            let status = lookup(MEMBER_STATUSES, status)
                .filter(|status| *status != MemberStatus::All)
                .ok_or_else(|| {
                    format!("members.{id}.{project}: {status:?} is not a member status")
                })?;
            of_image.insert(project.clone(), status);
        }
    }
    Ok(members)
}

fn challenge(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| "challenge: not a valid header value".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Store, StoreCaller};

    #[test]
    fn a_saved_list_is_a_store() {
        let store = Store::from_json(
            r#"{"images": [{"id": "a"}, {"id": "b", "visibility": "public"}], "first": "/v2/images", "schema": "s"}"#,
        )
        .unwrap();
        assert_eq!(store.len(), 2);
        assert!(store.caller(None).unwrap().admin);
        assert_eq!(
            store.image("a").unwrap().image.visibility.as_deref(),
            Some("shared")
        );
        assert!(store.image("c").is_none());
    }

    #[test]
    fn tokens_stand_for_callers() {
        let store = Store::from_json(
            r#"{"images": [], "tokens": {"t": {"project": "p"}, "root": {"project": "q", "admin": true}}, "challenge": "Keystone uri=\"k\""}"#,
        )
        .unwrap();
        let plain = StoreCaller {
            project: "p".into(),
            ..StoreCaller::default()
        };
        assert_eq!(store.caller(Some("t")), Some(&plain));
        assert!(store.caller(Some("root")).unwrap().admin);
        assert_eq!(store.caller(Some("x")), None);
        assert_eq!(store.caller(None), None);
        assert_eq!(store.challenge(), "Keystone uri=\"k\"");
    }

    #[test]
    fn errors_name_the_place() {
        for (json, place) in [
            ("{\n\"images\": [}", "line 2 column"),
            ("[]", "line 1"),
            (r#"{"images": [], "imges": []}"#, "imges"),
            (
                r#"{"images": [{"id": "a"}, {"name": "x"}]}"#,
                "images[1]: the image has no id",
            ),
            (r#"{"images": [{"id": "a/b"}]}"#, "images[0]: \"a/b\""),
            (
                r#"{"images": [{"id": "a"}, {"id": "a"}]}"#,
                "images[1]: the id a is used twice",
            ),
            (
                r#"{"images": [], "members": {"a": {"p": "pending"}}}"#,
                "members.a",
            ),
            (
                r#"{"images": [{"id": "a"}], "members": {"a": {"p": "all"}}}"#,
                "members.a.p",
            ),
            (r#"{"images": [], "challenge": "\n"}"#, "challenge"),
        ] {
            let error = Store::from_json(json).unwrap_err();
            assert!(error.contains(place), "{json}: {error}");
        }
    }

    #[test]
    fn the_demo_can_be_read() {
        assert!(Store::from_json(super::DEMO).unwrap().len() >= 40);
        assert!(!Store::demo().is_empty());
    }
}
