//! Whose token it is: asks Keystone about the token of a request, with that same token.
//!
//! Verdicts are cached by the digest of the token, for a while and never longer than the token lives; failures to get a
//! verdict are remembered for a moment. While Keystone cannot be asked, requests go on as without a Keystone, or are
//! refused, as the operator configured. No data is shown on the strength of a cached verdict: the service that answers
//! gets the token and validates it itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use ask::{NoVerdict, NoVerdictKind, Verdict};
use checks::TokenChecks;
use expiring_cache::ExpiringCache;
use pause::{PAUSE, Pause};
use single_flight::SingleFlight;
use tokens::TokenHeader;

use crate::config;
use crate::config::OnFailure;
use crate::keystone::Token;
use crate::model::{Caller, Fault, Reason};
use crate::upstream::{Replies, Upstream};
use crate::watch::{OnceAMinute, UpstreamObserver};

mod ask;
mod checks;
mod expiring_cache;
mod pause;
mod single_flight;
mod tokens;

/// The key of a token: its SHA-256.
type Digest = [u8; 32];

/// Keystone's verdict, or why there is none.
type Answer = Result<Verdict, NoVerdict>;

/// The longest time for which a refusal is cached. A token that one Keystone server does not know yet may be known to
/// the next.
const REFUSAL: Duration = Duration::from_secs(10);

/// Tells who sends a request.
#[derive(Debug)]
pub struct Identity {
    settings: config::IdentityConfig,
    keystone: Arc<Upstream>,
    cache: Arc<TokenCache>,
    single_flight: Arc<SingleFlight<Answer>>,
    /// Tokens for which a question just failed in a way that would repeat itself.
    no_verdicts: Mutex<ExpiringCache<NoVerdict>>,
    pause: Pause,
    checks: Arc<TokenChecks>,
    /// The messages about tokens that could not be validated.
    unvalidated: Mutex<OnceAMinute>,
}

/// Cached verdicts. Valid and refused tokens have separate caches, so that invalid tokens cannot push valid ones out.
#[derive(Debug)]
struct TokenCache {
    valid: Mutex<ExpiringCache<Arc<Token>>>,
    refused: Mutex<ExpiringCache<()>>,
}

impl Identity {
    /// Makes an identity service with empty caches.
    #[must_use]
    pub fn new(
        settings: &config::IdentityConfig,
        observer: Option<Arc<dyn UpstreamObserver>>,
    ) -> Arc<Self> {
        let keystone = Upstream::new("identity", &settings.upstream, Replies::Read, observer);
        let cache = TokenCache::new(settings.cache_size);
        Self::with(settings, keystone, cache, Arc::default())
    }

    /// Makes the same for a later configuration. Cached verdicts are kept if Keystone and the cache settings are the
    /// same. Connections are kept like those of every upstream.
    #[must_use]
    pub fn renewed(&self, settings: &config::IdentityConfig) -> Arc<Self> {
        let keystone = self.keystone.renewed(&settings.upstream);
        let cache = if self.settings.remembers_like(settings) {
            Arc::clone(&self.cache)
        } else {
            TokenCache::new(settings.cache_size)
        };
        Self::with(settings, keystone, cache, Arc::clone(&self.checks))
    }

    /// Returns how many tokens were checked since the start, by outcome: `cached`, `valid`, `refused`, `failed`.
    pub fn checks(&self) -> [(&'static str, u64); 4] {
        self.checks.counts()
    }

    fn with(
        settings: &config::IdentityConfig,
        keystone: Arc<Upstream>,
        cache: Arc<TokenCache>,
        checks: Arc<TokenChecks>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings: settings.clone(),
            keystone,
            cache,
            single_flight: SingleFlight::new(),
            no_verdicts: Mutex::new(ExpiringCache::new(settings.cache_size)),
            pause: Pause::default(),
            checks,
            unvalidated: Mutex::default(),
        })
    }

    /// Returns who sends a request with these headers; `None` if that is not known and the request may go on.
    ///
    /// Faults: keystonemiddleware's 401, challenge included, if there is no token or Keystone refuses it; 503 if
    /// Keystone gives no verdict and the operator wants such requests refused.
    pub async fn caller(self: &Arc<Self>, headers: &HeaderMap) -> Result<Option<Caller>, Fault> {
        let TokenHeader::One(token) = tokens::of_user(headers) else {
            return Err(self.unauthorized("no token, or several"));
        };
        let is_for_service = match tokens::of_service(headers) {
            TokenHeader::Nothing => false,
            TokenHeader::Several => return Err(self.unauthorized("several service tokens")),
            TokenHeader::One(token) => self.is_of_service(token).await?,
        };
        match self.verdict(token).await {
            Ok(Verdict::Valid(token)) => Ok(Some(token.caller.clone())),
            // A service may act with a user's token that has only expired. The upstream decides that.
            Ok(Verdict::Refused) if is_for_service => Ok(None),
            Ok(Verdict::Refused) => Err(self.unauthorized("Keystone refuses the token")),
            Err(no_verdict) => self.without_answer(&no_verdict).map(|()| None),
        }
    }

    /// Returns Keystone as an upstream.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.keystone
    }

    /// Returns who sends the request, if that is cached.
    pub fn known(&self, headers: &HeaderMap) -> Option<Caller> {
        let TokenHeader::One(token) = tokens::of_user(headers) else {
            return None;
        };
        match self.cache.recall(&tokens::digest_of(token)) {
            Some(Verdict::Valid(token)) => Some(token.caller.clone()),
            _ => None,
        }
    }

    /// Drops the cached verdict on the token of a request, because an upstream has just refused the token.
    pub fn forget(&self, headers: &HeaderMap) {
        if let TokenHeader::One(token) = tokens::of_user(headers) {
            lock(&self.cache.valid).remove(&tokens::digest_of(token));
        }
    }

    /// Whether a service token is valid and has an accepted role; `false` if there is no verdict.
    async fn is_of_service(self: &Arc<Self>, token: &HeaderValue) -> Result<bool, Fault> {
        let wanted = &self.settings.service_token_roles;
        match self.verdict(token).await {
            Ok(Verdict::Valid(token))
                if wanted.is_empty() || token.roles.iter().any(|role| wanted.contains(role)) =>
            {
                Ok(true)
            }
            Ok(Verdict::Valid(_)) => {
                Err(self.unauthorized("the service token has none of the accepted roles"))
            }
            Ok(Verdict::Refused) => Err(self.unauthorized("Keystone refuses the service token")),
            Err(no_verdict) => self.without_answer(&no_verdict).map(|()| false),
        }
    }

    /// Returns Keystone's verdict on a token, from the cache or by asking.
    async fn verdict(self: &Arc<Self>, token: &HeaderValue) -> Answer {
        let digest = tokens::digest_of(token);
        if let Some(verdict) = self.cache.recall(&digest) {
            self.checks.recalled();
            return Ok(verdict);
        }
        let answer = self.asked_verdict(digest, token).await;
        self.checks.answered(&answer);
        answer
    }

    /// Returns the verdict on a token that is not in the cache.
    async fn asked_verdict(self: &Arc<Self>, digest: Digest, token: &HeaderValue) -> Answer {
        if let Some(no_verdict) = lock(&self.no_verdicts).get(&digest) {
            return Err(no_verdict);
        }
        if let Some(no_verdict) = self.pause.why() {
            self.probe(digest, token);
            return Err(no_verdict);
        }
        let asked = self
            .single_flight
            .join(digest, self.question(digest, token));
        let dropped = || {
            Err(NoVerdict::unclear(
                "the task that asked Keystone ended early",
            ))
        };
        asked.await.unwrap_or_else(dropped)
    }

    /// Asks about a token during a pause, if it is time for a probe. Does not wait for the answer.
    fn probe(self: &Arc<Self>, digest: Digest, token: &HeaderValue) {
        if self.pause.may_probe() {
            self.single_flight
                .send(digest, self.question(digest, token));
        }
    }

    fn question(
        self: &Arc<Self>,
        digest: Digest,
        token: &HeaderValue,
    ) -> impl Future<Output = Answer> + Send + use<> {
        let (this, token) = (Arc::clone(self), token.clone());
        async move { this.ask(digest, &token).await }
    }

    async fn ask(&self, digest: Digest, token: &HeaderValue) -> Answer {
        // Another question about the token may have ended just before this one began.
        if let Some(verdict) = self.cache.recall(&digest) {
            return Ok(verdict);
        }
        let upstream = &self.settings.upstream;
        let limit = upstream.connect.saturating_add(upstream.first_byte);
        let limit = limit.saturating_add(upstream.idle);
        let began = Instant::now();
        let asked = timeout(limit, ask::ask(&self.keystone, token)).await;
        let late = || format!("Keystone's answer is not complete after {limit:?}");
        let answer = asked.unwrap_or_else(|_| Err(NoVerdict::no_answer(late())));
        match &answer {
            Ok(verdict) => {
                self.pause.answered();
                self.cache.keep(digest, verdict, self.settings.cache_ttl);
            }
            Err(no_verdict) => self.note(digest, began, no_verdict),
        }
        answer
    }

    /// Notes that a question about a token got no verdict.
    fn note(&self, digest: Digest, began: Instant, no_verdict: &NoVerdict) {
        if let Some(count) = lock(&self.unvalidated).count() {
            tracing::warn!(
                why = &*no_verdict.why,
                count,
                "a token could not be validated"
            );
        }
        let span = match no_verdict.kind {
            NoVerdictKind::Unclear => return,
            // As long as a refusal, but never longer than the operator's `cache_ttl`.
            NoVerdictKind::BadRequest => {
                self.pause.answered();
                REFUSAL.min(self.settings.cache_ttl)
            }
            NoVerdictKind::NoAnswer => {
                self.pause.failed(digest, began, no_verdict);
                PAUSE
            }
        };
        lock(&self.no_verdicts).put(digest, no_verdict.clone(), Instant::now() + span);
    }

    fn without_answer(&self, no_verdict: &NoVerdict) -> Result<(), Fault> {
        match self.settings.on_failure {
            OnFailure::Continue => Ok(()),
            // The proxy itself refuses, so compat settings about Glance's refusals do not apply.
            OnFailure::Refuse => Err(Fault::proxy(
                StatusCode::SERVICE_UNAVAILABLE,
                Reason::UpstreamUnreachable,
                "The Keystone service is temporarily unavailable.",
            )
            .with_detail(&*no_verdict.why)),
        }
    }

    fn unauthorized(&self, why: &str) -> Fault {
        let mut fault = Fault::client(
            StatusCode::UNAUTHORIZED,
            Reason::Unauthorized,
            "The request you have made requires authentication.",
        )
        .with_detail(why);
        fault.challenges.push(self.settings.challenge.clone());
        fault
    }
}

impl TokenCache {
    fn new(size: usize) -> Arc<Self> {
        Arc::new(Self {
            valid: Mutex::new(ExpiringCache::new(size)),
            refused: Mutex::new(ExpiringCache::new(size)),
        })
    }

    fn recall(&self, digest: &Digest) -> Option<Verdict> {
        if let Some(token) = lock(&self.valid).get(digest) {
            return Some(Verdict::Valid(token));
        }
        let refused = lock(&self.refused).get(digest);
        refused.map(|()| Verdict::Refused)
    }

    fn keep(&self, digest: Digest, verdict: &Verdict, ttl: Duration) {
        let now = Instant::now();
        match verdict {
            Verdict::Valid(token) => {
                let until = now + ttl.min(life_left(token.expires_at));
                lock(&self.valid).put(digest, Arc::clone(token), until);
            }
            Verdict::Refused => lock(&self.refused).put(digest, (), now + ttl.min(REFUSAL)),
        }
    }
}

/// The time until `expires_at`; zero if that has passed.
fn life_left(expires_at: Timestamp) -> Duration {
    let left = expires_at.duration_since(Timestamp::now());
    Duration::try_from(left).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
