//! Microversions: the one that a request asks for, and the headers about it in replies.
//!
//! Only `/v2.1` has them. `/v2` and `/v1.1` ignore the request headers and send none in replies.

use http::header::VARY;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::model::{Fault, Reason};
use crate::nova::compat::{Compat, Microversion, MicroversionHeaders};

const STANDARD: HeaderName = HeaderName::from_static("openstack-api-version");
const LEGACY: HeaderName = HeaderName::from_static("x-openstack-nova-api-version");

/// The version segment that has microversions.
pub(crate) const VERSIONED: &str = "v2.1";

/// The result of negotiating a microversion.
#[derive(Debug)]
pub(crate) struct Negotiated {
    /// The version that replies echo; `None` if they echo none.
    pub version: Option<Microversion>,
    /// The fault, if the requested version is malformed or out of range.
    pub refusal: Option<Fault>,
}

/// Determines the microversion of a request like `set_api_version_request` in Nova's `api/openstack/wsgi.py`. With
/// `ignore_microversion`, the maximum is ignored too.
pub(crate) fn negotiate(segment: &str, headers: &HeaderMap, compat: &Compat) -> Negotiated {
    let known = compat.microversions;
    if segment != VERSIONED || known == MicroversionHeaders::None {
        return Negotiated {
            version: None,
            refusal: None,
        };
    }
    let version = match asked(headers, known).as_deref() {
        None => Microversion::MIN,
        Some("latest") => compat.max_microversion,
        Some(text) => match text.parse() {
            Ok(version) => version,
            Err(()) => return malformed(text),
        },
    };
    let too_high = version > compat.max_microversion && !compat.ignore_microversion;
    let refusal = (version < Microversion::MIN || too_high)
        .then(|| out_of_range(version, compat.max_microversion));
    Negotiated {
        version: Some(version),
        refusal,
    }
}

/// Adds the headers about the microversion that every reply under `/v2.1` has.
pub(crate) fn echo(version: Microversion, known: MicroversionHeaders, headers: &mut HeaderMap) {
    let pair = [
        (STANDARD, format!("compute {version}")),
        (LEGACY, version.to_string()),
    ];
    let both = known == MicroversionHeaders::Both;
    for (name, text) in pair.into_iter().skip(usize::from(!both)) {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    if both {
        headers.append(VARY, HeaderValue::from_static("OpenStack-API-Version"));
    }
    headers.append(
        VARY,
        HeaderValue::from_static("X-OpenStack-Nova-API-Version"),
    );
}

/// Returns the version as spelled in the headers. In the standard header it is the last entry for the compute service,
/// in the old header the last entry. Several lines of a header count as one list.
fn asked(headers: &HeaderMap, known: MicroversionHeaders) -> Option<String> {
    let standard = joined(headers, &STANDARD).filter(|_| known == MicroversionHeaders::Both);
    let standard = standard.and_then(|list| {
        list.rsplit(',').find_map(|entry| {
            let (service, version) = entry.trim().split_once(char::is_whitespace)?;
            service
                .eq_ignore_ascii_case("compute")
                .then(|| version.trim().to_owned())
        })
    });
    standard.or_else(|| {
        let list = joined(headers, &LEGACY)?;
        list.rsplit(',').next().map(|entry| entry.trim().to_owned())
    })
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn malformed(text: &str) -> Negotiated {
    let message = format!(
        "API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum."
    );
    Negotiated {
        version: None,
        refusal: Some(Fault::client(
            StatusCode::BAD_REQUEST,
            Reason::BadMicroversion,
            message,
        )),
    }
}

fn out_of_range(asked: Microversion, max: Microversion) -> Fault {
    let min = Microversion::MIN;
    let message = format!(
        "Version {asked} is not supported by the API. Minimum is {min} and maximum is {max}."
    );
    Fault::client(StatusCode::NOT_ACCEPTABLE, Reason::BadMicroversion, message)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::{LEGACY, STANDARD, echo, negotiate};
    use crate::nova::compat::{Compat, Microversion, MicroversionHeaders, Release};

    const NEW: HeaderName = STANDARD;
    const OLD: HeaderName = LEGACY;

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// Returns the echoed version and the status and message of the refusal, as text.
    fn outcome(lines: &[(HeaderName, &str)], compat: &Compat) -> String {
        let negotiated = negotiate("v2.1", &headers(lines), compat);
        let version = negotiated
            .version
            .map_or("-".to_owned(), |version| version.to_string());
        negotiated.refusal.map_or(version.clone(), |fault| {
            format!("{version} {} {}", fault.status.as_u16(), fault.message)
        })
    }

    #[test]
    fn versions_are_read_as_nova_reads_them() {
        let nova = Compat {
            max_microversion: Microversion::NOVA_34,
            ..Compat::default()
        };
        for (lines, version) in [
            (&[][..], "2.1"),
            (&[(OLD, "2.35")], "2.35"),
            (&[(NEW, "compute 2.36")], "2.36"),
            (&[(NEW, "COMPUTE 2.36")], "2.36"),
            (&[(NEW, "compute  2.35 ")], "2.35"),
            (&[(NEW, "compute latest")], "2.104"),
            (&[(OLD, "latest")], "2.104"),
            (&[(NEW, "2.35")], "2.1"),
            (&[(NEW, "compute")], "2.1"),
            (&[(NEW, "volume 3.0")], "2.1"),
            (&[(NEW, "compute 2.36, image 2.1")], "2.36"),
            (&[(NEW, "compute 2.1,compute 2.36")], "2.36"),
            (&[(NEW, "image 2.1"), (NEW, "compute 2.36")], "2.36"),
            (&[(NEW, "compute 2.2"), (OLD, "2.36")], "2.2"),
            (&[(NEW, "image 2.1"), (OLD, "2.36")], "2.36"),
        ] {
            assert_eq!(outcome(lines, &nova), version, "{lines:?}");
        }
        let range = "is not supported by the API. Minimum is 2.1 and maximum is 2.104.";
        for bad in ["2.0", "1.1", "3.0", "2.999", "2.999999999999"] {
            let expected = format!("{bad} 406 Version {bad} {range}");
            assert_eq!(outcome(&[(OLD, bad)], &nova), expected);
        }
        for bad in [
            "garbage", "", "2", "2.01", "v2.35", "LATEST", "2.36.0", "-1", "2.", ".1",
        ] {
            let expected = format!(
                "- 400 API Version String {bad} is of invalid format. Must be of format MajorNum.MinorNum."
            );
            assert_eq!(outcome(&[(OLD, bad)], &nova), expected);
        }
    }

    #[test]
    fn without_a_nova_the_images_ceiling_is_the_maximum() {
        let alone = Compat::default();
        assert_eq!(outcome(&[(OLD, "latest")], &alone), "2.35");
        assert!(outcome(&[(OLD, "2.36")], &alone).contains(" 406 "));
        let lenient = Compat {
            ignore_microversion: true,
            ..Compat::default()
        };
        assert_eq!(outcome(&[(OLD, "2.90")], &lenient), "2.90");
        assert!(outcome(&[(OLD, "2.0")], &lenient).contains(" 406 "));
    }

    #[test]
    fn old_releases_know_fewer_headers() {
        let both = [(NEW, "compute 2.3"), (OLD, "2.2")];
        for (release, lines, version) in [
            (Release::Icehouse, &[(OLD, "garbage")][..], "-"),
            (Release::Kilo, &both, "2.2"),
            (Release::Mitaka, &both[..1], "2.1"),
            (Release::Mitaka, &[(OLD, "latest")], "2.25"),
            (Release::Antelope, &both, "2.3"),
        ] {
            assert_eq!(outcome(lines, &Compat::of(release)), version, "{release:?}");
        }
        let mut headers = HeaderMap::new();
        echo(Microversion::MIN, MicroversionHeaders::Nova, &mut headers);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers[LEGACY], "2.1");
        assert_eq!(headers["vary"], "X-OpenStack-Nova-API-Version");
    }

    #[test]
    fn v2_has_no_microversions() {
        for segment in ["v2", "v1.1"] {
            let negotiated = negotiate(segment, &headers(&[(OLD, "garbage")]), &Compat::default());
            assert!(negotiated.version.is_none() && negotiated.refusal.is_none());
        }
    }

    #[test]
    fn answers_echo_the_version_and_vary_by_it() {
        let mut headers = HeaderMap::new();
        echo(
            Microversion::IMAGES_CEILING,
            MicroversionHeaders::Both,
            &mut headers,
        );
        assert_eq!(headers[STANDARD], "compute 2.35");
        assert_eq!(headers[LEGACY], "2.35");
        let vary: Vec<_> = headers.get_all("vary").iter().collect();
        assert_eq!(
            vary,
            ["OpenStack-API-Version", "X-OpenStack-Nova-API-Version"]
        );
    }

    proptest! {
        #[test]
        fn no_header_panics(new in "[ -~]{0,30}", old in "[ -~]{0,30}") {
            let lines = headers(&[(NEW, &new), (OLD, &old)]);
            let _ = negotiate("v2.1", &lines, &Compat::default());
        }
    }
}
