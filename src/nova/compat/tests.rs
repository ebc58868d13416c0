//! Tests that the rows of [`KEYS`] agree with the fields that they set.

use super::{
    Compat, KEYS, Key, NextQuery, Origin, Quirks, RELEASES, Release, ReleaseRow, Suffixes, Values,
    Vendor, restores,
};

fn origin(name: &str, compat: &Compat) -> Origin {
    row(name).origin(compat)
}

fn row(name: &str) -> &'static Key {
    KEYS.iter().find(|key| key.name == Some(name)).unwrap()
}

fn literal(row: &ReleaseRow) -> Compat {
    Compat::of(row.release).literal()
}

#[test]
fn the_origin_of_a_value_is_known() {
    let modern = Compat::default();
    assert!(
        KEYS.iter()
            .all(|key| key.origin(&modern) == Origin::Default)
    );
    let beside = modern.beside_nova();
    assert!(
        KEYS.iter()
            .all(|key| key.origin(&beside) == Origin::Default)
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
    let kilo = Compat::of(Release::Kilo).beside_nova();
    assert_eq!(origin("max_microversion", &kilo), Origin::Release("kilo"));
    let set = Compat {
        max_microversion: "2.60".parse().unwrap(),
        ..kilo
    };
    assert_eq!(origin("max_microversion", &set), Origin::Setting);
}

#[test]
fn a_setting_that_restores_a_mistake_is_recognised() {
    const LITERAL: &str = "\"literal\"";
    let literal = Compat::default().literal();
    for name in ["head", "name_filter", "status_filter"] {
        assert!(restores(&literal, name, LITERAL), "{name}");
        assert!(!restores(&Compat::default(), name, LITERAL), "{name}");
    }
    let mut but_one = literal;
    but_one.quirks.name_operators = false;
    assert!(!restores(&but_one, "name_filter", LITERAL));
    assert!(!restores(&but_one, "no_such_key", LITERAL));
    let off = Compat {
        suffixes: Suffixes::Off,
        ..Compat::default()
    };
    assert!(restores(&off, "suffixes", "false"));
    assert!(!restores(&Compat::default(), "suffixes", "false"));
    // Kilo has endings, whatever is set here.
    let old = Compat {
        release: Release::Kilo,
        ..off
    };
    assert!(!restores(&old, "suffixes", "false"));
}

/// Only a next link whose query is in the client's order can imitate the releases up to Kilo.
#[test]
fn a_mistake_that_another_setting_prevents_is_not_reported() {
    let mut is = Compat::of(Release::Icehouse).literal();
    let key = row("next_link_compat");
    assert!(restores(&is, "next_link_compat", "\"era\""));
    assert_eq!(key.origin(&is), Origin::Literal);
    is.next_query = NextQuery::Sorted;
    assert!(!restores(&is, "next_link_compat", "\"era\""));
    assert_eq!(key.origin(&is), Origin::Default);
    assert_eq!(key.shown(0, &is), "escaped; names the same list");
}

/// Setting a word changes the value of its own row and of no other row.
#[test]
fn every_word_sets_its_own_row_and_no_other() {
    for key in KEYS {
        let is_one = !matches!(key.values, Values::AnyOf { .. });
        for word in key.words() {
            assert_eq!(word.shown.len(), key.rules.len(), "{}", word.name);
            for compat in RELEASES.iter().map(literal) {
                let mut set = compat.clone();
                (word.set)(&mut set);
                assert!(key.value(&set).contains(word.name), "{}", word.name);
                assert!(!is_one || key.value(&set).len() <= word.name.len() + 2);
                for other in KEYS.iter().filter(|other| other.meaning != key.meaning) {
                    assert_eq!(other.value(&set), other.value(&compat), "{}", word.name);
                }
            }
        }
    }
}

#[test]
fn names_are_unique_and_words_are_those_of_the_row() {
    let mut names: Vec<_> = KEYS.iter().filter_map(|key| key.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for key in KEYS {
        assert!(!key.rules.is_empty() && !key.meaning.is_empty(), "{key:?}");
        assert!(key.until.is_sorted_by_key(|(last, _)| *last), "{key:?}");
        for (last, word) in key.until {
            assert!(*last < Release::Modern, "{key:?}: the default is modern's");
            let compat = Compat::of(*last);
            assert!(key.value(&compat).trim_matches('"') == *word, "{key:?}");
        }
        let flag = matches!(key.values, Values::Flag(_));
        let words: Vec<_> = key.words().iter().map(|word| word.name).collect();
        assert_eq!(flag, words.starts_with(&["false", "true"]), "{key:?}");
    }
}

#[test]
fn every_release_makes_its_own_mistakes() {
    let old = Quirks {
        no_head: true,
        server_after_slash: true,
        worded_faults: true,
        era_next_links: true,
        odd_input: true,
        ..Quirks::default()
    };
    let mitaka = Quirks {
        hex_projects: true,
        no_v1_1: true,
        era_next_links: false,
        ..old
    };
    let on_glance_v2 = Quirks {
        mangled_property_keys: true,
        name_operators: true,
        raw_changes_since: true,
        typed_reads: true,
        dropped_ids: true,
        ..mitaka
    };
    for (release, quirks) in [
        (Release::Icehouse, old),
        (Release::Kilo, old),
        (Release::Mitaka, mitaka),
        (Release::Antelope, on_glance_v2),
        (Release::Modern, on_glance_v2),
    ] {
        assert_eq!(Compat::of(release).quirks, Quirks::default());
        assert_eq!(Compat::of(release).literal().quirks, quirks);
        // A mistake that the release does not make cannot be asked for.
        let mut asked = Compat::of(release);
        for key in KEYS.iter().filter(|key| key.is_mistake()) {
            key.choose(key.words()[1].name, &mut asked);
        }
        assert_eq!(asked.quirks, quirks);
    }
    assert_eq!(Compat::of(Release::Modern), Compat::default());
}

/// `literal = true` sets such a word in some releases only, but a setting can choose it in all.
#[test]
fn a_literal_word_that_is_not_a_mistake_can_be_set_in_every_release() {
    let named = |key: &&Key| key.name == Some("suffixes");
    let row = KEYS.iter().find(named).unwrap();
    for (release, literal) in [
        (Release::Kilo, Suffixes::All),
        (Release::Modern, Suffixes::Off),
    ] {
        let mut is = Compat::of(release);
        row.apply_literal(&mut is);
        assert_eq!(is.suffixes, literal);
    }
    let mut old = Compat::of(Release::Kilo);
    row.choose("false", &mut old);
    assert_eq!(old.suffixes, Suffixes::Off);
    assert!(!row.is_mistake());
    assert_eq!(
        (row.value(&old), row.shown(0, &old)),
        ("false".into(), "404".into())
    );
}
