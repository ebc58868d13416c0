//! How long verdicts are cached, on a paused clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::advance;

use super::{Arc, Caller, Digest, REFUSAL, Token, TokenCache, Verdict};

const MINUTE: Duration = Duration::from_secs(60);
const DIGEST: Digest = [7; 32];

/// Makes the verdict on a token that is valid for this many seconds.
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

fn is_valid(cache: &TokenCache) -> bool {
    matches!(cache.recall(&DIGEST), Some(Verdict::Valid(_)))
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_is_cached_for_the_configured_time() {
    let cache = TokenCache::new(10);
    cache.keep(DIGEST, &living(3600), MINUTE);
    advance(Duration::from_secs(59)).await;
    assert!(is_valid(&cache));
    advance(Duration::from_secs(1)).await;
    assert!(cache.recall(&DIGEST).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_not_cached_longer_than_it_lives() {
    let cache = TokenCache::new(10);
    cache.keep(DIGEST, &living(20), MINUTE);
    advance(Duration::from_secs(19)).await;
    assert!(is_valid(&cache));
    advance(Duration::from_secs(1)).await;
    assert!(cache.recall(&DIGEST).is_none());
    // The token has expired by the proxy's clock, although Keystone called it valid.
    cache.keep(DIGEST, &living(-1), MINUTE);
    assert!(cache.recall(&DIGEST).is_none());
}

#[tokio::test(start_paused = true)]
async fn refusals_are_cached_briefly() {
    let cache = TokenCache::new(10);
    cache.keep(DIGEST, &Verdict::Refused, MINUTE);
    advance(REFUSAL).await;
    assert!(cache.recall(&DIGEST).is_none());
    cache.keep(DIGEST, &Verdict::Refused, MINUTE);
    advance(Duration::from_millis(9_999)).await;
    assert!(matches!(cache.recall(&DIGEST), Some(Verdict::Refused)));
    advance(Duration::from_millis(1)).await;
    assert!(cache.recall(&DIGEST).is_none());
    cache.keep(DIGEST, &Verdict::Refused, Duration::ZERO);
    assert!(cache.recall(&DIGEST).is_none());
}

#[tokio::test(start_paused = true)]
async fn invalid_tokens_do_not_push_valid_ones_out() {
    let cache = TokenCache::new(2);
    cache.keep(DIGEST, &living(3600), MINUTE);
    for number in 100..200 {
        cache.keep([number; 32], &Verdict::Refused, MINUTE);
    }
    assert!(is_valid(&cache));
}
