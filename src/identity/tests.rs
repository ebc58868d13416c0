//! What is remembered of tokens, on a clock that stands still.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::advance;

use super::{Arc, Caller, Digest, REFUSAL, Token, TokenCache, Verdict};

const MINUTE: Duration = Duration::from_secs(60);
const DIGEST: Digest = [7; 32];

/// A token that lives so many seconds more.
fn living(seconds: i64) -> Verdict {
    Verdict::Valid(Arc::new(Token {
        caller: Caller {
            project: Some("p".to_owned()),
            user: "u".to_owned(),
        },
        expires_at: Timestamp::now() + SignedDuration::from_secs(seconds),
        roles: Vec::new(),
    }))
}

fn is_valid(memory: &TokenCache) -> bool {
    matches!(memory.recall(&DIGEST), Some(Verdict::Valid(_)))
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_remembered_for_the_time_that_is_set() {
    let memory = TokenCache::new(10);
    memory.keep(DIGEST, &living(3600), MINUTE);
    advance(Duration::from_secs(59)).await;
    assert!(is_valid(&memory));
    advance(Duration::from_secs(1)).await;
    assert!(memory.recall(&DIGEST).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_not_remembered_longer_than_it_lives() {
    let memory = TokenCache::new(10);
    memory.keep(DIGEST, &living(20), MINUTE);
    advance(Duration::from_secs(19)).await;
    assert!(is_valid(&memory));
    advance(Duration::from_secs(1)).await;
    assert!(memory.recall(&DIGEST).is_none());
    // By our clock it is over, whatever Keystone's says.
    memory.keep(DIGEST, &living(-1), MINUTE);
    assert!(memory.recall(&DIGEST).is_none());
}

#[tokio::test(start_paused = true)]
async fn refusals_are_remembered_briefly() {
    let memory = TokenCache::new(10);
    memory.keep(DIGEST, &Verdict::Refused, MINUTE);
    advance(REFUSAL).await;
    assert!(memory.recall(&DIGEST).is_none());
    memory.keep(DIGEST, &Verdict::Refused, MINUTE);
    advance(Duration::from_millis(9_999)).await;
    assert!(matches!(memory.recall(&DIGEST), Some(Verdict::Refused)));
    advance(Duration::from_millis(1)).await;
    assert!(memory.recall(&DIGEST).is_none());
    memory.keep(DIGEST, &Verdict::Refused, Duration::ZERO);
    assert!(memory.recall(&DIGEST).is_none());
}

#[tokio::test(start_paused = true)]
async fn nonsense_does_not_drive_out_what_is_good() {
    let memory = TokenCache::new(2);
    memory.keep(DIGEST, &living(3600), MINUTE);
    for number in 100..200 {
        memory.keep([number; 32], &Verdict::Refused, MINUTE);
    }
    assert!(is_valid(&memory));
}
