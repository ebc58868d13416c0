//! The table of differences between releases of Nova.

use super::Release::{Antelope, Icehouse, Kilo, Mitaka};
use super::key::Concerns::{All, Images, Lists, Parameter, Writes};
use super::key::Values::{AnyOf, Count, Flag, HighestMicroversion, Mistake, OneOf};
use super::{
    AlternateStyle, Compat, Concerns, DiskConfigNull, Documents, Key, LimitCheck,
    MicroversionHeaders, MinFilter, NextLink, NextQuery, Release, Rule, SizeNull, StatusFilter,
    Suffixes, Word, Xml, XmlNull,
};

/// One row for each difference, in the order in which a configuration file would list the settings.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    Key {
        name: Some("alternate_style"),
        meaning: "An image's `alternate` link: `{glance}/images/{id}` (Kilo and later), `{glance}/{project}/images/{id}` (to Juno), the same as the bookmark, `{glance}/v2/images/{id}`, or no link.",
        values: OneOf(&[
            word("bare", &["`{glance}/images/ID`"], |is| is.alternate_style = AlternateStyle::Bare),
            word("project", &["`{glance}/{project}/images/ID`"], |is| is.alternate_style = AlternateStyle::Project),
            word("compute-host", &["`{compute}/{project}/images/ID`"], |is| is.alternate_style = AlternateStyle::ComputeHost),
            word("v2", &["`{glance}/v2/images/ID`"], |is| is.alternate_style = AlternateStyle::V2),
            word("none", &["none"], |is| is.alternate_style = AlternateStyle::None),
        ]),
        until: &[(Icehouse, "project")], rules: &[rule("`alternate` links", Images)], ..KEY
    },
    Key {
        name: Some("extensions"),
        meaning: "The extensions whose fields are part of images.",
        values: AnyOf {
            words: &[
                word("OS-DCF", &["`OS-DCF`"], |is| is.extension_disk_config = true),
                word("OS-EXT-IMG-SIZE", &["`OS-EXT-IMG-SIZE`"], |is| is.extension_size = true),
            ],
            clear: |is| (is.extension_disk_config, is.extension_size) = (false, false),
        },
        rules: &[rule("extensions", Images)], ..KEY
    },
    Key {
        name: Some("size_null"),
        meaning: "How an image without a size is shown.",
        values: OneOf(&[
            word("null", &["`null`"], |is| is.size_null = SizeNull::Null),
            word("zero", &["`0`"], |is| is.size_null = SizeNull::Zero),
        ]),
        until: &[(Kilo, "null")], rules: &[rule("no size", Images)], ..KEY
    },
    Key {
        meaning: "The meaning of a null `auto_disk_config`.",
        values: OneOf(&[
            word("manual", &["`MANUAL`"], |is| is.disk_config_null = DiskConfigNull::Manual),
            word("absent", &["no `OS-DCF:diskConfig`"], |is| is.disk_config_null = DiskConfigNull::Absent),
        ]),
        until: &[(Icehouse, "manual")], rules: &[rule("a null `auto_disk_config`", Images)], ..KEY
    },
    Key {
        meaning: "Whether times are converted to UTC.",
        values: OneOf(&[
            word("utc", &["in UTC"], |is| is.utc_times = true),
            word("own", &["in their own zone"], |is| is.utc_times = false),
        ]),
        until: &[(Icehouse, "utc")], rules: &[rule("times", Images)], ..KEY
    },
    Key {
        name: Some("limit_check"),
        meaning: "How numbers in queries are checked: as up to Kilo, as from Liberty to nova 29 (in both, `limit=0` means no limit and next links keep unknown parameters), or by the schema of nova 30.",
        values: OneOf(&[
            word("param", &["`limit param must be an integer`", "no limit", "kept"], |is| is.limit_check = LimitCheck::Param),
            word("input", &["`Invalid input received: limit must be an integer`", "no limit", "kept"], |is| is.limit_check = LimitCheck::Input),
            word("schema", &["`Invalid input for query parameters limit. ...`", "400", "dropped"], |is| is.limit_check = LimitCheck::Schema),
        ]),
        until: &[(Kilo, "param"), (Antelope, "input")], rules: &[
            rule("a bad `limit`", Parameter("limit")),
            rule("`limit=0`", Parameter("limit")),
            rule("unknown parameters in a next link", Lists),
        ],
        ..KEY
    },
    Key {
        name: Some("default_limit"),
        meaning: "The number of images in a list if the query has no `limit`; 0 means all.",
        values: Count {
            least: 0,
            zero: Some("no limit"),
            get: |is| is.default_limit.unwrap_or(0),
            set: |is, limit| is.default_limit = Some(limit).filter(|limit| *limit > 0),
        },
        rules: &[rule("`limit` if none is given", Lists)], ..KEY
    },
    Key {
        name: Some("max_limit"),
        meaning: "Nova's `[api] max_limit`. Together with `limit` it decides whether a list carries a next link.",
        values: Count { least: 1, zero: None, get: |is| is.max_limit, set: |is, limit| is.max_limit = limit },
        rules: &[rule("`max_limit`", Lists)], ..KEY
    },
    Key {
        name: Some("always_link_when_more"),
        meaning: "Whether a list that was cut by its limit carries a next link even if the limit is above `max_limit`.",
        values: Flag(&[
            word("false", &["no"], |is| is.always_link_when_more = false),
            word("true", &["yes"], |is| is.always_link_when_more = true),
        ]),
        rules: &[rule("a link above `max_limit`", Lists)], ..KEY
    },
    Key {
        name: Some("next_link"),
        meaning: "When a list carries a next link: if it holds as many images as the client asked for, or also if it holds `max_limit` images.",
        values: OneOf(&[
            word("limit", &["when it holds `limit` images"], |is| is.next_link = NextLink::Limit),
            word("full", &["when it holds `limit` or `max_limit` images"], |is| is.next_link = NextLink::Full),
        ]),
        until: &[(Icehouse, "limit")], rules: &[rule("a list has a next link", Lists)], ..KEY
    },
    Key {
        name: Some("next_query"),
        meaning: "The query of a next link: in the client's order with the marker last, or sorted with each parameter once.",
        values: OneOf(&[
            word("request", &["in the client's order"], |is| is.next_query = NextQuery::Request),
            word("sorted", &["sorted, each parameter once"], |is| is.next_query = NextQuery::Sorted),
        ]),
        until: &[(Kilo, "request")], rules: &[rule("the next link's query", Lists)], ..KEY
    },
    Key {
        name: Some("next_link_compat"),
        meaning: "Whether next links are escaped and lead to the same list, or imitate the release: those up to Kilo do not escape them, and detailed lists up to Juno link to brief ones.",
        values: Mistake(|release| release <= Kilo, &[
            word("correct", &["escaped; names the same list"], |is| is.quirks.era_next_links = false),
            word("era", &["not escaped; names `/images` if the release does"], |is| is.quirks.era_next_links = true),
        ]),
        needs: |is| is.next_query == NextQuery::Request, rules: &[rule("the next link's form", Lists)], ..KEY
    },
    Key {
        name: Some("min_filter"),
        meaning: "The images that `minRam` and `minDisk` select: those with exactly that value, as in Nova, or with at least that value.",
        values: OneOf(&[
            word("equal", &["equal"], |is| is.min_filter = MinFilter::Equal),
            word("at_least", &["at least"], |is| is.min_filter = MinFilter::AtLeast),
        ]),
        rules: &[rule("`minRam`, `minDisk`", Parameter("min"))], ..KEY
    },
    Key {
        name: Some("status_filter"),
        meaning: "The images that `status` selects: those shown with that status, or those that Glance finds by the lower-cased word, as in Nova.",
        values: Mistake(by_every_release, &[
            word("mapped", &["as shown"], |is| is.status_filter = StatusFilter::Mapped),
            word("literal", &["lower-cased, to Glance"], |is| is.status_filter = StatusFilter::Literal),
        ]),
        rules: &[rule("`status`", Parameter("status="))], ..KEY
    },
    Key {
        name: Some("property_filter"),
        meaning: "The property that `property-KEY` names: KEY, or KEY without the leading letters that occur in `property-`, as in nova 14 and later. It is never sent as another parameter of Glance.",
        values: Mistake(on_glance_v2, &[
            word("exact", &["KEY as it is"], |is| is.quirks.mangled_property_keys = false),
            word("literal", &["KEY without leading letters that occur in `property-`"], |is| is.quirks.mangled_property_keys = true),
        ]),
        rules: &[rule("`property-KEY`", Parameter("property-"))], ..KEY
    },
    Key {
        name: Some("name_filter"),
        meaning: "The images that `name` selects: those with exactly that name, or those that Glance finds by it, as in nova 14 and later. Glance reads the part before a colon as an operator.",
        values: Mistake(on_glance_v2, &[
            word("exact", &["as it is"], |is| is.quirks.name_operators = false),
            word("literal", &["Glance reads operators"], |is| is.quirks.name_operators = true),
        ]),
        rules: &[rule("`name`", Parameter("name="))], ..KEY
    },
    Key {
        name: Some("changes_since"),
        meaning: "Whether the proxy checks `changes-since` and restores a lost `+`, or passes it to Glance unchecked, as in nova 14 and later.",
        values: Mistake(on_glance_v2, &[
            word("mended", &["checked, a lost `+` restored"], |is| is.quirks.raw_changes_since = false),
            word("literal", &["to Glance unchecked"], |is| is.quirks.raw_changes_since = true),
        ]),
        rules: &[rule("`changes-since`", Parameter("changes-since="))], ..KEY
    },
    Key {
        name: Some("server_filter"),
        meaning: "The part of a link that `server` uses: its last segment, or everything after the last slash, as in Nova.",
        values: Mistake(by_every_release, &[
            word("segment", &["the last segment"], |is| is.quirks.server_after_slash = false),
            word("literal", &["after the last slash"], |is| is.quirks.server_after_slash = true),
        ]),
        rules: &[rule("`server`", Parameter("server="))], ..KEY
    },
    Key {
        name: Some("head"),
        meaning: "Whether HEAD is answered like GET without a body, or with 404, as in Nova.",
        values: Mistake(by_every_release, &[
            word("served", &["like GET, without a body"], |is| is.quirks.no_head = false),
            word("literal", &["404"], |is| is.quirks.no_head = true),
        ]),
        rules: &[rule("HEAD", Images)], ..KEY
    },
    Key {
        name: Some("project_segment"),
        meaning: "The path segments that are read as a project: any word that is not a collection, or `[0-9a-f-]+`, as in nova 13 and later.",
        values: Mistake(|release| release >= Mitaka, &[
            word("any", &["any word that is not a collection"], |is| is.quirks.hex_projects = false),
            word("literal", &["`[0-9a-f-]+`"], |is| is.quirks.hex_projects = true),
        ]),
        rules: &[rule("a project", Images)], ..KEY
    },
    Key {
        name: Some("v1_1"),
        meaning: "Whether `/v1.1` is served, or is unknown, as in nova 13 and later.",
        values: Mistake(|release| release >= Mitaka, &[
            word("served", &["served"], |is| is.quirks.no_v1_1 = false),
            word("literal", &["300"], |is| is.quirks.no_v1_1 = true),
        ]),
        rules: &[rule("`/v1.1`", All)], ..KEY
    },
    Key {
        name: Some("content_type"),
        meaning: "Whether a Content-Type on a read is ignored, or refused with 415 unless it is JSON or plain text, as in nova 14 and later.",
        values: Mistake(on_glance_v2, &[
            word("ignored", &["served"], |is| is.quirks.typed_reads = false),
            word("literal", &["415"], |is| is.quirks.typed_reads = true),
        ]),
        rules: &[rule("an unknown Content-Type on a read", Images)], ..KEY
    },
    Key {
        name: Some("faults"),
        meaning: "Whether Glance's 401, 409, 413 and 429 are kept and its failures become 502, 503 and 504, or all of them become 403 or 500, as in Nova.",
        values: Mistake(by_every_release, &[
            word("kept", &["401, 409, 413, 429 kept; else 502, 503, 504"], |is| is.quirks.worded_faults = false),
            word("literal", &["as in Nova, mostly 500"], |is| is.quirks.worded_faults = true),
        ]),
        rules: &[rule("errors from Glance", Images)], ..KEY
    },
    Key {
        name: Some("odd_input"),
        meaning: "Whether markers are passed on whole, numbers and times must end with their digits, and metadata keys are UTF-8. If not, as in Nova, markers end at `&` and `#`, a newline may follow a number, and keys that are not ASCII do not exist.",
        values: Mistake(by_every_release, &[
            word("whole", &["whole, no newline, UTF-8"], |is| is.quirks.odd_input = false),
            word("literal", &["cut, newline allowed, latin-1"], |is| is.quirks.odd_input = true),
        ]),
        rules: &[rule("odd markers, numbers, keys", Images)], ..KEY
    },
    Key {
        name: Some("kernel_id"),
        meaning: "Whether a `kernel_id` or `ramdisk_id` that is empty or `None` goes to Glance, which may refuse it, or is skipped and answered with 200, as in nova 14 and later.",
        values: Mistake(on_glance_v2, &[
            word("written", &["to Glance, like every value"], |is| is.quirks.dropped_ids = false),
            word("literal", &["200, not written"], |is| is.quirks.dropped_ids = true),
        ]),
        rules: &[rule("an empty `kernel_id`, `ramdisk_id`", Writes)], ..KEY
    },
    Key {
        name: Some("block_device_mapping"),
        meaning: "Whether `block_device_mapping` and `mappings` are shown as decoded JSON, as in Nova, or as text.",
        values: OneOf(&[
            word("decode", &["as decoded JSON"], |is| is.decode_mappings = true),
            word("keep", &["as text"], |is| is.decode_mappings = false),
        ]),
        rules: &[rule("`block_device_mapping`, `mappings`", Images)], ..KEY
    },
    Key {
        name: Some("suffixes"),
        meaning: "Whether paths may end with `.json`, as before nova 16, and with `.xml` where XML is served. The suffix chooses the encoding of the reply and overrides `Accept`. For releases without suffixes, a metadata key keeps its suffix unless this is `true`.",
        values: Flag(&[
            word("false", &["404"], |is| is.suffixes = Suffixes::Off),
            word("true", &["like `/images`"], |is| is.suffixes = Suffixes::All),
            word("images", &["like `/images`; metadata keys keep their suffix"], |is| is.suffixes = Suffixes::Images),
        ]),
        default: Some("on; off with `literal` for nova 16 and later"), literal: Some((on_glance_v2, "false")),
        until: &[(Mitaka, "true")], rules: &[rule("`/images.json`", Images)], ..KEY
    },
    Key {
        meaning: "Whether `changes-since` leaves out images that changed at exactly that instant.",
        values: OneOf(&[
            word("after", &["left out"], |is| is.changes_after = true),
            word("since", &["listed"], |is| is.changes_after = false),
        ]),
        until: &[(Mitaka, "after")], rules: &[rule("images changed exactly at `changes-since`", Parameter("changes-since="))], ..KEY
    },
    Key {
        name: Some("xml"),
        meaning: "Where XML is served besides JSON: nowhere, as in Kilo and later; under `/v1.1` and `/v2`, as up to Juno; or under `/v2.1` too, where no Nova served it.",
        values: OneOf(&[
            word("off", &["no"], |is| is.xml = Xml::Off),
            word("legacy", &["under `/v1.1` and `/v2`"], |is| is.xml = Xml::Legacy),
            word("all", &["everywhere"], |is| is.xml = Xml::All),
        ]),
        until: &[(Icehouse, "legacy")], rules: &[rule("XML", All)], ..KEY
    },
    Key {
        name: Some("xml_null"),
        meaning: "How XML represents null: as the text `None`, as in Nova, or by leaving it out (no attribute; an empty metadata item).",
        values: OneOf(&[
            word("none", &["`None`"], |is| is.xml_null = XmlNull::None),
            word("omit", &["left out"], |is| is.xml_null = XmlNull::Omit),
        ]),
        rules: &[rule("null in XML", Images)], ..KEY
    },
    Key {
        name: Some("quota_status"),
        meaning: "The status for a write that would leave an image with more metadata than the quota allows; up to Icehouse it was 413.",
        values: OneOf(&[
            word("403", &["403"], |is| is.quota_status = 403),
            word("413", &["413"], |is| is.quota_status = 413),
        ]),
        until: &[(Icehouse, "413")], rules: &[rule("metadata above the quota", Writes)], ..KEY
    },
    Key {
        name: Some("post_images"),
        meaning: "The status for `POST /images`; up to Mitaka it was 405.",
        values: OneOf(&[
            word("404", &["404"], |is| is.post_images = 404),
            word("405", &["405"], |is| is.post_images = 405),
        ]),
        until: &[(Mitaka, "405")], rules: &[rule("`POST /images`", Writes)], ..KEY
    },
    Key {
        name: Some("microversions"),
        meaning: "The headers that request a microversion and are echoed: none, `X-OpenStack-Nova-API-Version`, or also `OpenStack-API-Version`.",
        values: OneOf(&[
            word("none", &["none"], |is| is.microversions = MicroversionHeaders::None),
            word("nova", &["`X-OpenStack-Nova-API-Version`"], |is| is.microversions = MicroversionHeaders::Nova),
            word("both", &["`OpenStack-API-Version` too"], |is| is.microversions = MicroversionHeaders::Both),
        ]),
        until: &[(Icehouse, "none"), (Mitaka, "nova")], rules: &[rule("microversion headers", All)], ..KEY
    },
    Key {
        name: Some("ignore_microversion"),
        meaning: "Whether image requests are served in microversions that have no images API (above 2.35, metadata 2.38).",
        values: Flag(&[
            word("false", &["not served"], |is| is.ignore_microversion = false),
            word("true", &["served"], |is| is.ignore_microversion = true),
        ]),
        rules: &[rule("images in microversions without them", Images)], ..KEY
    },
    Key {
        name: Some("max_microversion"),
        meaning: "The highest microversion, and the meaning of `latest`.",
        values: HighestMicroversion,
        default: Some("`\"2.35\"` at most; with a `[nova]` section, that of the release: `\"2.104\"`"),
        rules: &[rule("the highest microversion", All)], ..KEY
    },
    Key {
        meaning: "The order of the members of a fault.",
        values: OneOf(&[
            word("message", &["message, code"], |is| is.message_first = true),
            word("code", &["code, message"], |is| is.message_first = false),
        ]),
        until: &[(Mitaka, "message")], rules: &[rule("members of a fault", Images)], ..KEY
    },
    Key {
        meaning: "Whether a path without a route is answered in JSON.",
        values: OneOf(&[
            word("plain", &["never in JSON"], |is| is.plain_no_route = true),
            word("asked", &["in JSON if asked for"], |is| is.plain_no_route = false),
        ]),
        until: &[(Mitaka, "plain")], rules: &[rule("a path without a route", All)], ..KEY
    },
    Key {
        meaning: "The content of the version documents.",
        values: OneOf(&[
            word("single", &["v2.0 alone"], |is| is.documents = Documents::Single),
            word("supported", &["v2.0 supported, v2.1 current"], |is| is.documents = Documents::Supported),
            word("deprecated", &["v2.0 deprecated, v2.1 current"], |is| is.documents = Documents::Deprecated),
        ]),
        until: &[(Icehouse, "single"), (Antelope, "supported")], rules: &[rule("version documents", All)], ..KEY
    },
];

/// The values that most rows share: only the release decides, and neither older releases nor `literal` change it.
const KEY: Key = Key {
    name: None,
    meaning: "",
    values: OneOf(&[]),
    default: None,
    until: &[],
    literal: None,
    needs: |_| true,
    rules: &[],
};

const fn word(name: &'static str, shown: &'static [&'static str], set: fn(&mut Compat)) -> Word {
    Word { name, shown, set }
}

const fn rule(about: &'static str, concerns: Concerns) -> Rule {
    Rule { about, concerns }
}

/// Every release makes the mistake: it is in Nova's own code.
fn by_every_release(_: Release) -> bool {
    true
}

/// Nova makes the mistake since it uses Glance v2 (nova 14).
fn on_glance_v2(release: Release) -> bool {
    release >= Antelope
}
