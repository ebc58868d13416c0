//! Answers legacy OpenStack Nova images clients from Glance v2 and passes their other calls through to Nova. Also
//! answers Glance v2 clients from a Nova images API.
//!
//! # The life of a request
//!
//! `serve` accepts a connection, does the TLS handshake and reads HTTP. Each request goes to [`proxy::handle`] together
//! with the configuration snapshot of that moment. Five steps follow.
//!
//! 1. *Guard*: a request that two servers could read in two ways is refused.
//! 2. *Prepare*: the mount point is cut off, and the base URL of links is determined.
//! 3. *Recognise*: the frontend of the listener ([`model::Frontend`]) routes the request by its head alone. If a
//!    Keystone is configured and the route asks for it, Keystone says who the caller is. Then the frontend reads the
//!    request, once, into a [`model::Recognized`].
//! 4. *Dispatch*: a [`model::Call`] is carried out in plain steps (`proxy::ops`) against the other dialect's upstream
//!    ([`model::Backend`]). A request that is not an image request passes through to Nova; from a Glance client it is
//!    refused.
//! 5. *Answer*: the reply is written in the client's dialect ([`model::Responder`]) while the upstream still sends.
//!
//! Each request makes one record, which is shown to every [`watch::Observer`]. `docs/architecture.md` has more.
//!
//! # The module map
//!
//! A module may name modules above it in this table, never below. `tests/it/architecture.rs` holds the same table and
//! fails when the code disagrees.
//!
//! | module | what | may name |
//! |---|---|---|
//! | [`json`] | members and array elements of JSON text; pure | nothing |
//! | [`webob`] | queries, error pages and words of the web framework under both services; pure | nothing |
//! | [`deviations`] | known differences from the real services, as data | nothing |
//! | [`watch`] | one record per request, observers, the log | nothing |
//! | [`model`] | images, queries, faults, and the traits of a dialect; pure | `json` |
//! | [`keystone`] | how a token is validated; pure | `model` |
//! | [`nova`] | the Nova dialect: `front`, `back`, `compat`; pure | `model`, `json`, `webob` |
//! | [`glance`] | the Glance dialect: `front`, `back`; pure | `model`, `json`, `webob` |
//! | [`sandbox`] | a Glance on images in memory; pure | `glance`, `model`, `json`, `webob` |
//! | [`listing`] | upstream pages in, the client's list out; pure | `model`, `json` |
//! | [`config`] | settings from a file and the environment, read into one immutable snapshot | `nova::{compat, back}`, `model`, `watch` |
//! | [`metrics`] | what Prometheus scrapes; a source hands in numbers that others keep | `watch`, `model` |
//! | [`docgen`] | the generated pages of `docs/` | the dialects, `deviations`, `config`, `metrics`, `model` |
//! | [`net`] | bodies, headers, timers, secrets | `model` |
//! | [`upstream`] | one service: endpoints, connections, balance, ejection, retries, limits | `net`, `config`, `watch`, `model` |
//! | [`identity`] | whose token it is: cache, single flight, pause | `upstream`, `net`, `keystone`, `config`, `watch`, `model` |
//! | [`proxy`] | one request, in reading order: guard, prepare, recognise, dispatch, answer | `identity`, `upstream`, `net`, `listing`, `nova`, `glance`, `config`, `watch`, `model`, `json` |
//! | [`admin`] | the admin listener: health, metrics, status, control, the page | `net`, `config`, `watch`, `webob` |
//! | [`serve`] | sockets, TLS, connections, reload, renewed certificates, drain, signals, systemd | `admin`, `proxy`, `upstream`, `net`, `config`, `metrics`, `watch` |
//! | [`cli`] | the commands | all but `identity`, `listing` |
#![forbid(unsafe_code)]

pub mod admin;
pub mod cli;
pub mod config;
pub mod deviations;
pub mod docgen;
pub mod glance;
pub mod identity;
pub mod json;
pub mod keystone;
pub mod listing;
pub mod metrics;
pub mod model;
pub mod net;
pub mod nova;
pub mod proxy;
pub mod sandbox;
pub mod serve;
pub mod upstream;
pub mod watch;
pub mod webob;
