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

mod ask;
mod flight;
mod pause;
mod shelf;
mod tokens;

use ask::{Silence, SilenceKind, Verdict};
use flight::Flights;
use pause::{PAUSE, Pause};
use shelf::Shelf;
use tokens::Presented;

use super::upstream::{Replies, Upstream};
use crate::config;
use crate::config::OnFailure;
use crate::keystone::Token;
use crate::model::{Caller, Fault, Reason};

/// What a token is known by: SHA-256.
type Digest = [u8; 32];

/// What Keystone said, or that it said nothing.
type Answer = Result<Verdict, Silence>;

/// How long a refusal is remembered at most: a token that one Keystone does not know yet, the next one may.
const REFUSAL: Duration = Duration::from_secs(10);

/// Says whose requests are.
#[derive(Debug)]
pub struct Identity {
    settings: config::Identity,
    keystone: Upstream,
    memory: Arc<Memory>,
    flights: Arc<Flights<Answer>>,
    /// The tokens that Keystone has just said nothing of, in a way that it would again.
    silent: Mutex<Shelf<Silence>>,
    pause: Pause,
}

/// What is remembered of tokens. What is good and what is not have rooms of their own, so that nonsense cannot drive
/// out what is good.
#[derive(Debug)]
struct Memory {
    valid: Mutex<Shelf<Arc<Token>>>,
    refused: Mutex<Shelf<()>>,
}

impl Identity {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(settings: &config::Identity) -> Arc<Self> {
        Self::with(settings, Memory::new(settings.cache_size))
    }

    /// The same for a later configuration. What is remembered stays so where it comes from the same Keystone and is
    /// to be kept in the same way.
    #[must_use]
    pub fn renewed(&self, settings: &config::Identity) -> Arc<Self> {
        if self.settings.remembers_like(settings) {
            return Self::with(settings, Arc::clone(&self.memory));
        }
        Self::new(settings)
    }

    fn with(settings: &config::Identity, memory: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self {
            settings: settings.clone(),
            keystone: Upstream::new("identity", &settings.upstream, Replies::Read),
            memory,
            flights: Flights::new(),
            silent: Mutex::new(Shelf::new(settings.cache_size)),
            pause: Pause::default(),
        })
    }

    /// Who sends a request with these headers; `None` where that cannot be told and the request shall go on.
    ///
    /// Faults: keystonemiddleware's 401, challenge included, where there is no token or Keystone refuses it; 503 where
    /// Keystone says nothing and requests are to be refused then.
    pub async fn caller(self: &Arc<Self>, headers: &HeaderMap) -> Result<Option<Caller>, Fault> {
        let Presented::One(token) = tokens::of_user(headers) else {
            return Err(self.unauthorized("no token, or several"));
        };
        let is_for_service = match tokens::of_service(headers) {
            Presented::Nothing => false,
            Presented::Several => return Err(self.unauthorized("several service tokens")),
            Presented::One(token) => self.is_of_service(token).await?,
        };
        match self.verdict(token).await {
            Ok(Verdict::Valid(token)) => Ok(Some(token.caller.clone())),
            // A service may go on with a user's token that has only expired, which is for the upstream to tell.
            Ok(Verdict::Refused) if is_for_service => Ok(None),
            Ok(Verdict::Refused) => Err(self.unauthorized("Keystone refuses the token")),
            Err(silence) => self.without_answer(&silence).map(|()| None),
        }
    }

    /// Who sends the request, if that is known without asking.
    pub fn known(&self, headers: &HeaderMap) -> Option<Caller> {
        let Presented::One(token) = tokens::of_user(headers) else {
            return None;
        };
        match self.memory.recall(&tokens::digest_of(token)) {
            Some(Verdict::Valid(token)) => Some(token.caller.clone()),
            _ => None,
        }
    }

    /// Forgets what is known of the token of a request, since an upstream has just refused it.
    pub fn forget(&self, headers: &HeaderMap) {
        if let Presented::One(token) = tokens::of_user(headers) {
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
            Err(silence) => self.without_answer(&silence).map(|()| false),
        }
    }

    /// What Keystone says of a token, or has said.
    async fn verdict(self: &Arc<Self>, token: &HeaderValue) -> Answer {
        let digest = tokens::digest_of(token);
        if let Some(verdict) = self.memory.recall(&digest) {
            return Ok(verdict);
        }
        if let Some(silence) = lock(&self.silent).get(&digest) {
            return Err(silence);
        }
        if let Some(silence) = self.pause.why() {
            self.probe(digest, token);
            return Err(silence);
        }
        let asked = self.flights.join(digest, self.question(digest, token));
        let dropped = || Err(Silence::unclear("the question was dropped"));
        asked.await.unwrap_or_else(dropped)
    }

    /// Asks about a token although Keystone is left alone, where it is time for that. Nobody waits for the answer.
    fn probe(self: &Arc<Self>, digest: Digest, token: &HeaderValue) {
        if self.pause.may_probe() {
            self.flights.send(digest, self.question(digest, token));
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
        let answer = asked.unwrap_or_else(|_| Err(Silence::total(late())));
        match &answer {
            Ok(verdict) => {
                self.pause.answered();
                self.memory.keep(digest, verdict, self.settings.cache_ttl);
            }
            Err(silence) => self.note(digest, began, silence),
        }
        answer
    }

    /// Notes that Keystone was asked about a token and said nothing.
    fn note(&self, digest: Digest, began: Instant, silence: &Silence) {
        tracing::warn!(why = &*silence.why, "a token could not be validated");
        let span = match silence.kind {
            SilenceKind::Unclear => return,
            // As long as a refusal, and no longer than the operator lets anything be remembered.
            SilenceKind::BadRequest => {
                self.pause.answered();
                REFUSAL.min(self.settings.cache_ttl)
            }
            SilenceKind::Total => {
                self.pause.failed(digest, began, silence);
                PAUSE
            }
        };
        lock(&self.silent).put(digest, silence.clone(), Instant::now() + span);
    }

    fn without_answer(&self, silence: &Silence) -> Result<(), Fault> {
        match self.settings.on_failure {
            OnFailure::Continue => Ok(()),
            // It is the proxy that refuses: nothing that Nova makes of a Glance's refusals applies.
            OnFailure::Refuse => Err(Fault::proxy(
                StatusCode::SERVICE_UNAVAILABLE,
                Reason::UpstreamUnreachable,
                "The Keystone service is temporarily unavailable.",
            )
            .with_detail(&*silence.why)),
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

impl Memory {
    fn new(size: usize) -> Arc<Self> {
        Arc::new(Self {
            valid: Mutex::new(Shelf::new(size)),
            refused: Mutex::new(Shelf::new(size)),
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
