//! The faults that Nova's own code makes of Glance's errors, for clients that depend on them (`compat.faults =
//! "literal"`).
//!
//! Nova handles some statuses for some operations. Every other exception of its Glance client ends as an "unexpected"
//! error. The table contains the replies that were observed from real Novas.

use http::StatusCode;

use super::fault;
use crate::model::{Fault, Reason, Source};
use crate::nova::compat::{Compat, Release};
use crate::nova::tables::View;
use crate::webob::page;

/// The fault that an error from Glance becomes.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// This status, with Glance's status and message in the text.
    Quoted(u16),
    /// 403, with Nova's own message, which names the image.
    NotAuthorized,
    /// 500, with the name of the exception's class.
    Unexpected(&'static str),
}

/// The kinds of operations that Nova handles differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    List,
    Show,
    Metadata,
}

use Outcome::{NotAuthorized, Quoted, Unexpected};

/// The errors that Nova handles (`nova/image/glance.py`, `_translate_image_exception` and `_translate_plain_exception`;
/// `nova/api/openstack/compute/images.py` and `image_metadata.py`).
const KNOWN: &[(Kind, u16, Outcome)] = &[
    (Kind::List, 400, Quoted(400)),
    (Kind::List, 401, Quoted(403)),
    (Kind::List, 403, Quoted(403)),
    (Kind::List, 404, Unexpected("nova.exception.NotFound")),
    (Kind::List, 304, Unexpected("TypeError")),
    (Kind::Show, 304, Unexpected("AttributeError")),
    (Kind::Metadata, 304, Unexpected("AttributeError")),
    (Kind::Show, 400, Unexpected(BAD_IMAGE)),
    (Kind::Show, 401, Unexpected(NO_RIGHT)),
    (Kind::Show, 403, Unexpected(NO_RIGHT)),
    (Kind::Metadata, 400, Unexpected(BAD_IMAGE)),
    (Kind::Metadata, 401, NotAuthorized),
    (Kind::Metadata, 403, NotAuthorized),
];

const BAD_IMAGE: &str = "nova.exception.ImageBadRequest";
const NO_RIGHT: &str = "nova.exception.ImageNotAuthorized";
/// The exception after four attempts without a usable reply.
const NO_CONNECTION: &str = "nova.exception.GlanceConnectionFailed";

/// The exceptions of the Glance client by status (`glanceclient/exc.py`). All others are plain `HTTPException`s.
const CLASSES: &[(u16, &str)] = &[
    (300, "glanceclient.exc.HTTPMultipleChoices"),
    (301, "glanceclient.exc.HTTPMultipleChoices"),
    (302, "glanceclient.exc.HTTPMultipleChoices"),
    (305, "glanceclient.exc.HTTPMultipleChoices"),
    (405, "glanceclient.exc.HTTPMethodNotAllowed"),
    (409, "glanceclient.exc.HTTPConflict"),
    (413, "glanceclient.exc.HTTPOverLimit"),
    (500, "glanceclient.exc.HTTPInternalServerError"),
    (501, "glanceclient.exc.HTTPNotImplemented"),
    (502, "glanceclient.exc.HTTPBadGateway"),
    (503, NO_CONNECTION),
];

const OTHER_CLASS: &str = "glanceclient.exc.HTTPException";

/// Returns the fault that Nova's code makes of an error from Glance; `None` if the fault stays as it is.
///
/// A fault with a challenge stays: it comes from keystonemiddleware, and the one in front of Nova would have answered
/// the same.
pub(crate) fn of(
    refusal: &Fault,
    view: Option<View>,
    image: Option<&str>,
    compat: &Compat,
) -> Option<Fault> {
    let is_theirs = refusal.source == Source::Upstream && refusal.reason != Reason::NoImage;
    if !compat.quirks.worded_faults || !is_theirs || !refusal.challenges.is_empty() {
        return None;
    }
    let kind = match view? {
        View::Brief | View::Detailed => Kind::List,
        // A forbidden delete always has Nova's own message.
        View::Gone if answered(refusal) == StatusCode::FORBIDDEN => return None,
        View::Image | View::Gone => Kind::Show,
        View::Metadata | View::MetadataItem | View::ItemGone => Kind::Metadata,
    };
    let (status, message) = match (outcome(kind, refusal), image) {
        (Quoted(status), _) => {
            let said = page::escape(&refusal.message);
            (status, format!("HTTP {}: {said}", answered(refusal)))
        }
        (NotAuthorized, image) => (403, fault::not_authorized(image.unwrap_or_default())),
        (Unexpected(class), _) => (500, unexpected(class, compat.release)),
    };
    let mut fault = Fault::proxy(StatusCode::from_u16(status).ok()?, refusal.reason, message);
    fault.detail.clone_from(&refusal.detail);
    Some(fault)
}

fn outcome(kind: Kind, refusal: &Fault) -> Outcome {
    let Some(status) = refusal.answered else {
        return Unexpected(NO_CONNECTION);
    };
    let status = status.as_u16();
    let known = KNOWN
        .iter()
        .find(|(of, known, _)| *of == kind && *known == status);
    known.map_or_else(
        || {
            let class = CLASSES.iter().find(|(known, _)| *known == status);
            Unexpected(class.map_or(OTHER_CLASS, |(_, class)| class))
        },
        |(_, _, outcome)| *outcome,
    )
}

fn answered(refusal: &Fault) -> StatusCode {
    refusal.answered.unwrap_or(refusal.status)
}

/// Returns Nova's message for an exception that it does not handle.
fn unexpected(class: &str, release: Release) -> String {
    match release {
        // FaultWrapper in `nova/api/openstack/__init__.py`: WebOb's message, which does not name the exception.
        Release::Icehouse | Release::Kilo => {
            "The server has either erred or is incapable of performing the requested operation."
                .to_owned()
        }
        Release::Mitaka | Release::Antelope => format!(
            "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log \
             if possible.\n<class '{class}'>"
        ),
        Release::Modern => {
            format!("Unexpected API Error. Please contact the administrator\n<class '{class}'>")
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};

    use super::of;
    use crate::model::{Fault, Reason};
    use crate::nova::compat::{Compat, Release};
    use crate::nova::tables::View;

    fn refused(status: u16) -> Fault {
        let status = StatusCode::from_u16(status).unwrap();
        let mut fault = Fault::upstream(status, Reason::UpstreamRefused, "Some <text>");
        fault.answered = Some(status);
        fault
    }

    fn worded(fault: &Fault, view: View, release: Release) -> String {
        let compat = Compat::of(release).literal();
        of(fault, Some(view), Some("I"), &compat).map_or("as it is".to_owned(), |fault| {
            format!("{} {}", fault.status.as_u16(), fault.message)
        })
    }

    #[test]
    fn refusals_become_what_novas_code_makes_of_them() {
        let unexpected = |class| {
            format!("500 Unexpected API Error. Please contact the administrator\n<class '{class}'>")
        };
        for (status, view, expected) in [
            (
                400,
                View::Brief,
                "400 HTTP 400 Bad Request: Some &lt;text&gt;".to_owned(),
            ),
            (
                401,
                View::Detailed,
                "403 HTTP 401 Unauthorized: Some &lt;text&gt;".to_owned(),
            ),
            (404, View::Brief, unexpected("nova.exception.NotFound")),
            (
                409,
                View::Brief,
                unexpected("glanceclient.exc.HTTPConflict"),
            ),
            (
                429,
                View::Brief,
                unexpected("glanceclient.exc.HTTPException"),
            ),
            (
                503,
                View::Brief,
                unexpected("nova.exception.GlanceConnectionFailed"),
            ),
            (
                403,
                View::Image,
                unexpected("nova.exception.ImageNotAuthorized"),
            ),
            (
                401,
                View::Metadata,
                "403 Not authorized for image I.".to_owned(),
            ),
            (
                413,
                View::MetadataItem,
                unexpected("glanceclient.exc.HTTPOverLimit"),
            ),
        ] {
            assert_eq!(
                worded(&refused(status), view, Release::Modern),
                expected,
                "{status}"
            );
        }
        let unreachable = Fault::upstream(StatusCode::BAD_GATEWAY, Reason::UpstreamUnreachable, "");
        assert_eq!(
            worded(&unreachable, View::Brief, Release::Modern),
            unexpected("nova.exception.GlanceConnectionFailed")
        );
        let old = worded(&refused(409), View::Brief, Release::Icehouse);
        assert!(old.starts_with("500 The server has either erred"), "{old}");
        let antelope = worded(&refused(409), View::Brief, Release::Antelope);
        assert!(antelope.contains("bugs.launchpad.net/nova/"), "{antelope}");
    }

    #[test]
    fn a_fault_that_is_not_an_error_from_glance_stays() {
        let mut challenged = refused(401);
        challenged.challenges = vec![HeaderValue::from_static("Keystone uri=\"x\"")];
        let missing = Fault::upstream(StatusCode::NOT_FOUND, Reason::NoImage, "");
        let own = Fault::client(StatusCode::BAD_REQUEST, Reason::BadQuery, "limit");
        for fault in [challenged, missing, own] {
            assert_eq!(worded(&fault, View::Image, Release::Modern), "as it is");
        }
        let right = of(&refused(409), Some(View::Brief), None, &Compat::default());
        assert!(right.is_none());
    }
}
