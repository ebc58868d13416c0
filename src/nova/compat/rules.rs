//! The rules that presets set, as data: what `explain` and the table of releases are written from.

use super::{
    AlternateStyle, Compat, DiskConfigNull, Documents, LimitCheck, MicroversionHeaders, MinFilter,
    NextLink, NextQuery, SizeNull, StatusFilter, Suffixes, Xml,
};

/// One rule that releases, vendors or `literal` decide differently.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it is about, in a few words.
    pub about: &'static str,
    /// Its key in `[compat]`, where it can be set alone.
    pub setting: Option<&'static str>,
    /// Which requests it concerns.
    pub concerns: Concerns,
    /// Its value, in words.
    pub value: fn(&Compat) -> String,
}

/// Which requests a rule concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// Lists.
    Lists,
    /// Lists whose query has a parameter that begins so.
    Parameter(&'static str),
    /// Whatever shows images with all their fields.
    Details,
    /// Every image request.
    Images,
    /// Writes.
    Writes,
    /// Everything, discovery included.
    All,
}

/// What decided a rule's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is what holds where nothing is set.
    Default,
    /// `release`.
    Release(&'static str),
    /// `vendor`.
    Vendor(&'static str),
    /// `literal`.
    Literal,
    /// The setting itself.
    Setting,
}

impl Concerns {
    /// Whether a request with this query is concerned; `is_list` and `is_image` say what kind of request it is.
    #[must_use]
    pub fn holds(self, is_image: bool, is_list: bool, query: &str) -> bool {
        let named = |name: &str| query.split(['&', ';']).any(|pair| pair.starts_with(name));
        match self {
            Self::Lists => is_list,
            Self::Parameter(name) => is_list && named(name),
            Self::Details | Self::Images => is_image,
            Self::Writes => false,
            Self::All => true,
        }
    }
}

/// Whether a mistake of Nova's is made, as the text of a deviation's `setting` would have it. Every key that the text
/// sets to `"literal"`, `"era"` or `false` counts.
#[must_use]
pub fn restored(compat: &Compat, setting: &str) -> bool {
    let right = Compat::of(compat.release);
    let literal = right.clone().literal();
    let mut named = RULES
        .iter()
        .filter(|rule| {
            let on = |key: &str, word: &str| setting.contains(&format!("{key} = {word}"));
            rule.setting.is_some_and(|key| {
                ["\"literal\"", "\"era\"", "false"]
                    .iter()
                    .any(|word| on(key, word))
            })
        })
        .peekable();
    named.peek().is_some()
        && named.all(|rule| {
            let is = (rule.value)(compat);
            is == (rule.value)(&literal) && is != (rule.value)(&right)
        })
}

impl Rule {
    /// What decided the value that the rule has here: the first of what could have that explains it.
    #[must_use]
    pub fn origin(&self, compat: &Compat) -> Origin {
        let value = (self.value)(compat);
        let is = |other: &Compat| (self.value)(other) == value;
        let release = Compat::of(compat.release);
        if is(&Compat::default()) && is(&release) {
            return Origin::Default;
        }
        if is(&release) {
            return Origin::Release(compat.release.preset().name);
        }
        if let Some(vendor) = compat
            .vendor
            .filter(|vendor| is(&release.clone().at(*vendor)))
        {
            return Origin::Vendor(vendor.name());
        }
        if compat.all_literal && is(&release.literal()) {
            return Origin::Literal;
        }
        Origin::Setting
    }
}

/// The rules, in the order in which they are shown.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    Rule { about: "`alternate` links", setting: Some("alternate_style"), concerns: Concerns::Images, value: |is| match is.alternate_style {
        AlternateStyle::Bare => "`{glance}/images/ID`",
        AlternateStyle::Project => "`{glance}/{project}/images/ID`",
        AlternateStyle::ComputeHost => "`{compute}/{project}/images/ID`",
        AlternateStyle::V2 => "`{glance}/v2/images/ID`",
        AlternateStyle::None => "none",
    }.to_owned() },
    Rule { about: "a list has a next link", setting: Some("next_link"), concerns: Concerns::Lists, value: |is| match is.next_link {
        NextLink::Limit => "when it holds `limit` images",
        NextLink::Full => "when it holds `limit` or `max_limit` images",
    }.to_owned() },
    Rule { about: "the next link's query", setting: Some("next_query"), concerns: Concerns::Lists, value: |is| match is.next_query {
        NextQuery::Request => "in the client's order",
        NextQuery::Sorted => "sorted, each parameter once",
    }.to_owned() },
    Rule { about: "the next link's form", setting: Some("next_link_compat"), concerns: Concerns::Lists, value: |is| either(
        is.quirks.era_next_links && is.next_query == NextQuery::Request, "not escaped; names `/images` where the release did", "escaped; names the same list") },
    Rule { about: "`limit` where none is given", setting: Some("default_limit"), concerns: Concerns::Lists, value: |is|
        is.default_limit.map_or("none".to_owned(), |limit| limit.to_string()) },
    Rule { about: "a link above `max_limit`", setting: Some("always_link_when_more"), concerns: Concerns::Lists, value: |is| either(
        is.always_link_when_more, "yes", "no") },
    Rule { about: "a bad `limit`", setting: Some("limit_check"), concerns: Concerns::Parameter("limit"), value: |is| match is.limit_check {
        LimitCheck::Param => "`limit param must be an integer`",
        LimitCheck::Input => "`Invalid input received: limit must be an integer`",
        LimitCheck::Schema => "`Invalid input for query parameters limit. ...`",
    }.to_owned() },
    Rule { about: "`limit=0`", setting: Some("limit_check"), concerns: Concerns::Parameter("limit"), value: |is| either(
        is.limit_check == LimitCheck::Schema, "400", "no limit") },
    Rule { about: "unknown parameters in a next link", setting: Some("limit_check"), concerns: Concerns::Lists, value: |is| either(
        is.limit_check == LimitCheck::Schema, "dropped", "kept") },
    Rule { about: "no size", setting: Some("size_null"), concerns: Concerns::Details, value: |is| match is.size_null {
        SizeNull::Null => "`null`",
        SizeNull::Zero => "`0`",
    }.to_owned() },
    Rule { about: "a null `auto_disk_config`", setting: None, concerns: Concerns::Details, value: |is| match is.disk_config_null {
        DiskConfigNull::Manual => "`MANUAL`",
        DiskConfigNull::Absent => "no `OS-DCF:diskConfig`",
    }.to_owned() },
    Rule { about: "times", setting: None, concerns: Concerns::Details, value: |is| either(
        is.utc_times, "in UTC", "in their own zone") },
    Rule { about: "`minRam`, `minDisk`", setting: Some("min_filter"), concerns: Concerns::Parameter("min"), value: |is| either(
        is.min_filter == MinFilter::Equal, "equal", "at least") },
    Rule { about: "microversion headers", setting: Some("microversions"), concerns: Concerns::All, value: |is| match is.microversions {
        MicroversionHeaders::None => "none",
        MicroversionHeaders::Nova => "`X-OpenStack-Nova-API-Version`",
        MicroversionHeaders::Both => "`OpenStack-API-Version` too",
    }.to_owned() },
    Rule { about: "Nova's highest microversion", setting: Some("max_microversion"), concerns: Concerns::All, value: |is| match is.microversions {
        MicroversionHeaders::None => "none".to_owned(),
        _ => is.release.preset().max_microversion.to_string(),
    } },
    Rule { about: "literal: `/images.json`", setting: Some("suffixes"), concerns: Concerns::Images, value: |is| match is.suffixes {
        Suffixes::Off => "404",
        Suffixes::Images => "as `/images`; metadata keys are whole",
        Suffixes::All => "as `/images`",
    }.to_owned() },
    Rule { about: "what changed at `changes-since`", setting: None, concerns: Concerns::Parameter("changes-since="), value: |is| either(
        is.changes_after(), "left out", "listed") },
    Rule { about: "XML", setting: Some("xml"), concerns: Concerns::All, value: |is| match is.xml {
        Xml::Off => "no",
        Xml::Legacy => "under `/v1.1` and `/v2`",
        Xml::All => "everywhere",
    }.to_owned() },
    Rule { about: "metadata above the quota", setting: Some("quota_status"), concerns: Concerns::Writes, value: |is| is.quota_status.to_string() },
    Rule { about: "`POST /images`", setting: Some("post_images"), concerns: Concerns::Writes, value: |is| is.post_images.to_string() },
    Rule { about: "members of a fault", setting: None, concerns: Concerns::Images, value: |is| either(
        is.message_first, "message, code", "code, message") },
    Rule { about: "a path that is not routed", setting: None, concerns: Concerns::All, value: |is| either(
        is.plain_no_route, "never in JSON", "in JSON if asked for") },
    Rule { about: "version documents", setting: None, concerns: Concerns::All, value: |is| match is.documents {
        Documents::Single => "v2.0 alone",
        Documents::Supported => "v2.0 supported, v2.1 current",
        Documents::Deprecated => "v2.0 deprecated, v2.1 current",
    }.to_owned() },
    Rule { about: "literal: HEAD", setting: Some("head"), concerns: Concerns::Images, value: |is| either(
        is.quirks.no_head, "404", "as GET, without a body") },
    Rule { about: "literal: a project", setting: Some("project_segment"), concerns: Concerns::Images, value: |is| either(
        is.quirks.hex_projects, "`[0-9a-f-]+`", "any word that is no collection") },
    Rule { about: "literal: `/v1.1`", setting: Some("v1_1"), concerns: Concerns::All, value: |is| either(
        is.quirks.no_v1_1, "300", "served") },
    Rule { about: "literal: `status`", setting: Some("status_filter"), concerns: Concerns::Parameter("status="), value: |is| either(
        is.status_filter == StatusFilter::Literal, "lower-cased, to Glance", "as shown") },
    Rule { about: "literal: `property-KEY`", setting: Some("property_filter"), concerns: Concerns::Parameter("property-"), value: |is| either(
        is.quirks.mangled_property_keys, "KEY loses leading letters out of `property-`", "KEY as it is") },
    Rule { about: "literal: `name`", setting: Some("name_filter"), concerns: Concerns::Parameter("name="), value: |is| either(
        is.quirks.name_operators, "Glance reads operators", "as it is") },
    Rule { about: "literal: `changes-since`", setting: Some("changes_since"), concerns: Concerns::Parameter("changes-since="), value: |is| either(
        is.quirks.raw_changes_since, "to Glance unread", "checked, a lost `+` mended") },
    Rule { about: "literal: `server`", setting: Some("server_filter"), concerns: Concerns::Parameter("server="), value: |is| either(
        is.quirks.server_after_slash, "behind the last slash", "the last segment") },
    Rule { about: "literal: an unknown Content-Type on a read", setting: Some("content_type"), concerns: Concerns::Images, value: |is| either(
        is.quirks.typed_reads, "415", "served") },
    Rule { about: "literal: Glance's refusals", setting: Some("faults"), concerns: Concerns::Images, value: |is| either(
        is.quirks.worded_faults, "as Nova makes them, mostly 500", "401, 409, 413, 429 kept; else 502, 503, 504") },
    Rule { about: "literal: odd markers, numbers, keys", setting: Some("odd_input"), concerns: Concerns::Images, value: |is| either(
        is.quirks.odd_input, "cut, let pass, latin-1", "whole, refused, UTF-8") },
    Rule { about: "literal: an empty `kernel_id`, `ramdisk_id`", setting: Some("kernel_id"), concerns: Concerns::Writes, value: |is| either(
        is.quirks.dropped_ids, "200, not written", "to Glance, as every value") },
];

fn either(holds: bool, then: &str, otherwise: &str) -> String {
    if holds { then } else { otherwise }.to_owned()
}

/// The releases side by side, as a Markdown table; what only `literal = true` turns on is shown as it is then.
#[must_use]
pub fn releases() -> String {
    use std::fmt::Write as _;

    let shown: Vec<_> = super::PRESETS
        .iter()
        .map(|preset| (preset, Compat::of(preset.release).literal()))
        .collect();
    let mut out = String::from("| rule | setting |");
    for (preset, _) in &shown {
        let _ = write!(out, " `{}`: {} |", preset.name, preset.covers);
    }
    let _ = write!(out, "\n|{}\n", "---|".repeat(shown.len() + 2));
    for rule in RULES {
        let values: Vec<_> = shown
            .iter()
            .map(|(_, compat)| (rule.value)(compat))
            .collect();
        if values.windows(2).all(|pair| pair[0] == pair[1]) && !rule.about.starts_with(LITERAL) {
            continue;
        }
        let setting = rule
            .setting
            .map_or("-".to_owned(), |key| format!("`{key}`"));
        let _ = writeln!(
            out,
            "| {} | {setting} | {} |",
            rule.about,
            values.join(" | ")
        );
    }
    out
}

/// How the rules begin that `literal` decides.
const LITERAL: &str = "literal: ";

#[cfg(test)]
mod tests {
    use super::{Concerns, Origin, RULES, restored};
    use crate::nova::compat::{Compat, PRESETS, Preset, Release, Suffixes, Vendor};

    fn origin(setting: &str, compat: &Compat) -> Origin {
        RULES
            .iter()
            .find(|rule| rule.setting == Some(setting))
            .unwrap()
            .origin(compat)
    }

    #[test]
    fn a_rule_knows_what_decided_it() {
        let modern = Compat::default();
        assert!(
            RULES
                .iter()
                .all(|rule| rule.origin(&modern) == Origin::Default)
        );
        let icehouse = Compat::of(Release::Icehouse);
        assert_eq!(
            origin("limit_check", &icehouse),
            Origin::Release("icehouse")
        );
        assert_eq!(origin("head", &icehouse), Origin::Default);
        assert_eq!(origin("head", &icehouse.clone().literal()), Origin::Literal);
        let huawei = Compat::default().at(Vendor::Huawei);
        assert_eq!(origin("default_limit", &huawei), Origin::Vendor("huawei"));
        let set = Compat {
            default_limit: Some(7),
            ..huawei
        };
        assert_eq!(origin("default_limit", &set), Origin::Setting);
    }

    #[test]
    fn a_setting_is_known_to_be_on() {
        let literal = Compat::default().literal();
        for setting in [
            "compat.head = \"literal\"",
            "compat = { name_filter = \"literal\", status_filter = \"literal\" }",
        ] {
            assert!(restored(&literal, setting), "{setting}");
            assert!(!restored(&Compat::default(), setting), "{setting}");
        }
        let mut but_one = literal;
        but_one.quirks.name_operators = false;
        assert!(!restored(&but_one, "compat.name_filter = \"literal\""));
        assert!(!restored(&but_one, "listen.trusted_proxies = []"));
        let off = Compat {
            suffixes: Suffixes::Off,
            ..Compat::default()
        };
        assert!(restored(&off, "compat.suffixes = false"));
        assert!(!restored(&Compat::default(), "compat.suffixes = false"));
    }

    #[test]
    fn every_setting_that_a_deviation_names_is_known() {
        let literal = |preset: &Preset| Compat::of(preset.release).literal();
        let rows = crate::deviations::all().iter();
        let settings = rows.filter_map(|row| row.setting.as_deref());
        for setting in settings.filter(|setting| setting.starts_with("compat")) {
            let mut releases = PRESETS.iter().map(literal);
            assert!(
                releases.any(|compat| restored(&compat, setting)),
                "{setting}"
            );
        }
    }

    #[test]
    fn the_table_has_a_column_for_each_release() {
        let table = super::releases();
        assert!(
            table
                .lines()
                .all(|line| line.matches(" |").count() == 7 || line.starts_with("|---"))
        );
        assert!(table.contains("limit param must be an integer"));
        assert!(RULES.iter().any(|rule| rule.concerns == Concerns::Writes));
    }
}
