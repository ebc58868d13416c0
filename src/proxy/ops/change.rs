//! Other custom properties for one image.

use http::{Response, StatusCode};

use super::{ChangeSteps, UpstreamSession, read_whole, whole};
use crate::model::change::PropertyRules;
use crate::model::{Call, Change, Edit, Fault, Image, Reason, Responder, SentValue, Value};
use crate::net::body::Body;

/// Fetches the image, asks for what is to be different about it, and has the responder write how it is then. What is
/// already as wished is not asked for, and where everything is, nothing is.
///
/// The requests of an edit say what becomes of single properties and of nothing else, so other writers' work between
/// the fetch and the edit stays. What the upstream answers with 409 it has not done: somebody else was faster, and the
/// edit is made anew from how the image is by then. Nothing else is tried twice. Where an edit takes several requests
/// and some of them have been carried out, it is only what is left of it that is tried again, since the wish itself
/// speaks of the image before; and a fault says so.
pub(super) async fn change(
    session: &UpstreamSession,
    call: &Call,
    change: &Change,
    steps: &ChangeSteps,
    responder: &dyn Responder,
) -> Result<Response<Body>, Fault> {
    let mut retries = steps.retries;
    let mut begun = None;
    loop {
        match once(session, call, change, steps, &mut begun, responder).await {
            Err(fault) if is_conflict(&fault) && retries > 0 => retries -= 1,
            Err(fault) if begun.is_some() => return Err(in_part(fault)),
            outcome => return outcome,
        }
    }
}

/// One attempt. `begun` is the edit of which a part has been carried out, by this attempt or an earlier one.
async fn once(
    session: &UpstreamSession,
    call: &Call,
    change: &Change,
    steps: &ChangeSteps,
    begun: &mut Option<Edit>,
    responder: &dyn Responder,
) -> Result<Response<Body>, Fault> {
    let reply = session.send(call, steps.fetch.clone()).await?;
    let mut json = read_whole(reply, session.limits.element).await?;
    let held = session.back.shown(&json)?;
    let rules = PropertyRules {
        is_fixed: |key: &str, is_there: bool| {
            session.back.reserves(key) || (is_there && !session.back.reaches(key))
        },
        is_shown: |key: &str, held: &Value<'_>, wanted: &SentValue| {
            responder.is_shown(key, held, wanted)
        },
    };
    let edit = match begun {
        Some(edit) => edit.clone().left_on(&held),
        None => change.on(&held, &rules)?,
    };
    for exchange in steps.writes(&*session.back, &edit)? {
        let reply = session.send(call, exchange).await?;
        begun.get_or_insert_with(|| edit.clone());
        json = read_whole(reply, session.limits.element).await?;
    }
    let image: Image<'_> = session.back.shown(&json)?;
    Ok(whole(responder.changed(&image, change)))
}

fn is_conflict(fault: &Fault) -> bool {
    fault.status == StatusCode::CONFLICT && fault.reason == Reason::UpstreamRefused
}

/// The fault of an edit that did not come to its end.
fn in_part(mut fault: Fault) -> Fault {
    let said = fault.message.trim_end_matches('.');
    fault.message = format!("{said}. The change had been made by then, at least in part.");
    fault
}
