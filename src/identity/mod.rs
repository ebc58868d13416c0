//! Who sends a request: the token that comes with it, asked about itself at Keystone.
//!
//! What Keystone says is remembered by the token's digest, for a while and never longer than the token lives; and so is
//! that it said nothing, for a moment. While Keystone cannot be asked, requests go on as they do where no Keystone is
//! configured, or are refused: the operator decides. Nothing is shown to anybody on the strength of what is remembered here: the service that answers gets
//! the token and validates it itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use ask::{NoVerdict, SilenceKind, Verdict};
use expiring_cache::ExpiringCache;
use pause::{PAUSE, Pause};
use single_flight::SingleFlight;
use tokens::TokenHeader;

use crate::config;
use crate::config::OnFailure;
use crate::keystone::Token;
use crate::model::{Caller, Fault, Reason};
use crate::upstream::{Replies, Upstream};

mod ask;
mod expiring_cache;
mod pause;
mod single_flight;
mod tokens;

/// What a token is known by: SHA-256.
type Digest = [u8; 32];

/// What Keystone said, or that it said nothing.
type Answer = Result<Verdict, NoVerdict>;

/// How long a refusal is remembered at most: a token that one Keystone does not know yet, the next one may.
const REFUSAL: Duration = Duration::from_secs(10);

/// Says whose requests are.
#[derive(Debug)]
pub struct Identity {
    settings: config::IdentityConfig,
    keystone: Upstream,
    memory: Arc<TokenCache>,
    single_flight: Arc<SingleFlight<Answer>>,
    /// The tokens that Keystone has just said nothing of, in a way that it would again.
    silent: Mutex<ExpiringCache<NoVerdict>>,
    pause: Pause,
}

/// What is remembered of tokens. What is good and what is not have rooms of their own, so that nonsense cannot drive
/// out what is good.
#[derive(Debug)]
struct TokenCache {
    valid: Mutex<ExpiringCache<Arc<Token>>>,
    refused: Mutex<ExpiringCache<()>>,
}

impl Identity {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(settings: &config::IdentityConfig) -> Arc<Self> {
        Self::with(settings, TokenCache::new(settings.cache_size))
    }

    /// The same for a later configuration. What is remembered stays so where it comes from the same Keystone and is
    /// to be kept in the same way.
    #[must_use]
    pub fn renewed(&self, settings: &config::IdentityConfig) -> Arc<Self> {
        if self.settings.remembers_like(settings) {
            return Self::with(settings, Arc::clone(&self.memory));
        }
        Self::new(settings)
    }

    fn with(settings: &config::IdentityConfig, memory: Arc<TokenCache>) -> Arc<Self> {
        Arc::new(Self {
            settings: settings.clone(),
            keystone: Upstream::new("identity", &settings.upstream, Replies::Read),
            memory,
            single_flight: SingleFlight::new(),
            silent: Mutex::new(ExpiringCache::new(settings.cache_size)),
            pause: Pause::default(),
        })
    }

    /// Who sends a request with these headers; `None` where that cannot be told and the request shall go on.
    ///
    /// Faults: keystonemiddleware's 401, challenge included, where there is no token or Keystone refuses it; 503 where
    /// Keystone says nothing and requests are to be refused then.
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
            // A service may go on with a user's token that has only expired, which is for the upstream to tell.
            Ok(Verdict::Refused) if is_for_service => Ok(None),
            Ok(Verdict::Refused) => Err(self.unauthorized("Keystone refuses the token")),
            Err(no_verdict) => self.without_answer(&no_verdict).map(|()| None),
        }
    }

    /// Who sends the request, if that is known without asking.
    pub fn known(&self, headers: &HeaderMap) -> Option<Caller> {
        let TokenHeader::One(token) = tokens::of_user(headers) else {
            return None;
        };
        match self.memory.recall(&tokens::digest_of(token)) {
            Some(Verdict::Valid(token)) => Some(token.caller.clone()),
            _ => None,
        }
    }

    /// Forgets what is known of the token of a request, since an upstream has just refused it.
    pub fn forget(&self, headers: &HeaderMap) {
        if let TokenHeader::One(token) = tokens::of_user(headers) {
            lock(&self.memory.valid).remove(&tokens::digest_of(token));
        }
    }

    /// Whether a service token is one; without an answer it is not known to be.
    async fn is_of_service(self: &Arc<Self>, token: &HeaderValue) -> Result<bool, Fault> {
        let wanted = &self.settings.service_token_roles;
        match self.verdict(token).await {
            Ok(Verdict::Valid(token))
                if wanted.is_empty() || token.roles.iter().any(|role| wanted.contains(role)) =>
            {
                Ok(true)
            }
            Ok(Verdict::Valid(_)) => {
                Err(self.unauthorized("the service token has no role of a service"))
            }
            Ok(Verdict::Refused) => Err(self.unauthorized("Keystone refuses the service token")),
            Err(no_verdict) => self.without_answer(&no_verdict).map(|()| false),
        }
    }

    /// What Keystone says of a token, or has said.
    async fn verdict(self: &Arc<Self>, token: &HeaderValue) -> Answer {
        let digest = tokens::digest_of(token);
        if let Some(verdict) = self.memory.recall(&digest) {
            return Ok(verdict);
        }
        if let Some(no_verdict) = lock(&self.silent).get(&digest) {
            return Err(no_verdict);
        }
        if let Some(no_verdict) = self.pause.why() {
            self.probe(digest, token);
            return Err(no_verdict);
        }
        let asked = self
            .single_flight
            .join(digest, self.question(digest, token));
        let dropped = || Err(NoVerdict::unclear("the question was dropped"));
        asked.await.unwrap_or_else(dropped)
    }

    /// Asks about a token although Keystone is left alone, where it is time for that. Nobody waits for the answer.
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
        if let Some(verdict) = self.memory.recall(&digest) {
            return Ok(verdict);
        }
        let upstream = &self.settings.upstream;
        let limit = upstream.connect.saturating_add(upstream.first_byte);
        let limit = limit.saturating_add(upstream.idle);
        let began = Instant::now();
        let asked = timeout(limit, ask::ask(&self.keystone, token)).await;
        let late = || format!("Keystone's answer is not complete after {limit:?}");
        let answer = asked.unwrap_or_else(|_| Err(NoVerdict::total(late())));
        match &answer {
            Ok(verdict) => {
                self.pause.answered();
                self.memory.keep(digest, verdict, self.settings.cache_ttl);
            }
            Err(no_verdict) => self.note(digest, began, no_verdict),
        }
        answer
    }

    /// Notes that Keystone was asked about a token and said nothing.
    fn note(&self, digest: Digest, began: Instant, no_verdict: &NoVerdict) {
        tracing::warn!(why = &*no_verdict.why, "a token could not be validated");
        let span = match no_verdict.kind {
            SilenceKind::Unclear => return,
            // As long as a refusal, and no longer than the operator lets anything be remembered.
            SilenceKind::BadRequest => {
                self.pause.answered();
                REFUSAL.min(self.settings.cache_ttl)
            }
            SilenceKind::Total => {
                self.pause.failed(digest, began, no_verdict);
                PAUSE
            }
        };
        lock(&self.silent).put(digest, no_verdict.clone(), Instant::now() + span);
    }

    fn without_answer(&self, no_verdict: &NoVerdict) -> Result<(), Fault> {
        match self.settings.on_failure {
            OnFailure::Continue => Ok(()),
            // It is the proxy that refuses: nothing that Nova makes of a Glance's refusals applies.
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

/// How long it is until then; nothing where then is over.
fn life_left(expires_at: Timestamp) -> Duration {
    let left = expires_at.duration_since(Timestamp::now());
    Duration::try_from(left).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
