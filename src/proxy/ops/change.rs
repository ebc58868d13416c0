//! Changes the custom properties of one image.

use std::time::Duration;

use http::{Response, StatusCode};
use tokio::time::sleep;

use super::{ChangeSteps, UpstreamSession, read_whole, whole};
use crate::model::change::PropertyRules;
use crate::model::{Call, Change, Edit, Fault, Image, Reason, Responder, SentValue, Value};
use crate::net::body::Body;

/// The longest pause before a change that met a conflict is tried again, in milliseconds.
const LONGEST_PAUSE: u64 = 50;

/// Fetches the image, requests what must change, and has the responder write the result. Properties that already have
/// the wanted value are not requested, and if all have it, nothing is.
///
/// The requests of an edit change single properties and nothing else, so the work of other writers between the fetch and
/// the edit is kept. If the upstream answers 409, it has not carried the request out, because another writer was faster.
/// The edit is then made again from the new state of the image, after a short pause and within the retry budget. Nothing
/// else is sent twice. If an edit takes several requests and some of them have been carried out, only the rest of the edit
/// is tried again, since the client's wish refers to the image before; and a fault says so.
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
            Err(fault) if is_conflict(&fault) && retries > 0 && session.lease.may_retry() => {
                retries -= 1;
                sleep(pause()).await;
            }
            Err(fault) if begun.is_some() => return Err(in_part(fault)),
            outcome => return outcome,
        }
    }
}

/// One attempt. `begun` is the edit if this attempt or an earlier one has carried out a part of it.
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

/// Writers that met each other must not meet again at once.
fn pause() -> Duration {
    Duration::from_millis(fastrand::u64(1..=LONGEST_PAUSE))
}

fn is_conflict(fault: &Fault) -> bool {
    fault.status == StatusCode::CONFLICT && fault.reason == Reason::UpstreamRefused
}

/// The fault of an edit that was not finished.
fn in_part(mut fault: Fault) -> Fault {
    let said = fault.message.trim_end_matches('.');
    fault.message = format!("{said}. The change had been made by then, at least in part.");
    fault
}
