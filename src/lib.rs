//! Answers legacy OpenStack Nova images clients from Glance v2, and passes everything else through; and answers Glance
//! v2 clients from a Nova images API.
//!
//! # The life of a request
//!
//! `serve` accepts a connection, shakes hands and reads HTTP. Each request goes to [`proxy::handle`] together with the
//! snapshot of the configuration of that moment. Five steps follow.
//!
//! 1. *Guard*: a request that two servers could read in two ways is refused.
//! 2. *Prepare*: the mount point is cut off, and it is decided what links begin with.
//! 3. *Recognise*: the frontend of the listener ([`model::Frontend`]) routes the request by its head alone. If a
//!    Keystone is configured and the route asks for it, Keystone says who the caller is. Then the frontend reads the
//!    request, once, into a [`model::Recognized`].
//! 4. *Dispatch*: a [`model::Call`] is carried out in plain steps (`proxy::ops`) against the other dialect's upstream
//!    ([`model::Backend`]). A request that is not an image request passes through, or is refused where clients speak
//!    Glance.
//! 5. *Answer*: the reply is written in the client's dialect ([`model::Responder`]) as it streams by.
//!
//! One record of the request is shown to every [`watch::Observer`]. `docs/architecture.md` tells more.
//!
//! # The module map
//!
//! Arrows go up this table and never down; `tests/it/architecture.rs` holds it, line by line.
//!
//! | module | what | may name |
//! |---|---|---|
//! | [`json`] | JSON text: members, elements of an array, lenient values; pure | nothing |
//! | [`webob`] | what the web framework under both services decides: queries, error pages, Python's words; pure | nothing |
//! | [`deviations`] | where answers knowingly differ from the services' own, as data | nothing |
//! | [`watch`] | one record a request, the log; calls the observers that are handed in | nothing |
//! | [`model`] | the nouns that both dialects can say, and what a dialect's halves can do; pure | `json` |
//! | [`keystone`] | how a token is asked about itself; pure | `model` |
//! | [`nova`] | the legacy dialect: `front`, `back`, `compat`; pure | `model`, `json`, `webob` |
//! | [`glance`] | the current dialect, the same halves; pure | `model`, `json`, `webob` |
//! | [`sandbox`] | Glance's front half on images in memory; pure | `glance`, `model`, `json`, `webob` |
//! | [`listing`] | pages of an upstream in, a client's list out, and lists sorted here; pure | `model`, `json` |
//! | [`config`] | settings, read into one immutable snapshot | `nova::{compat, back}`, `model` |
//! | [`docgen`] | the generated pages of `docs/` | the dialects, `deviations`, `config`, `model` |
//! | [`net`] | bodies, headers, timers, secrets | `model` |
//! | [`upstream`] | connections to a service, and one request to it | `net`, `config`, `model` |
//! | [`identity`] | whose token it is: cache, single flight, pause | `upstream`, `net`, `keystone`, `config`, `model` |
//! | [`proxy`] | one request, in reading order: guard, prepare, recognise, dispatch, answer | `identity`, `upstream`, `net`, `listing`, `nova`, `glance`, `config`, `watch`, `model`, `json` |
//! | [`serve`] | sockets, TLS, connections, reload, drain, signals | `proxy`, `net`, `config`, `watch` |
//! | [`cli`] | the commands | all but `identity`, `upstream`, `listing` |
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod deviations;
pub mod docgen;
pub mod glance;
pub mod identity;
pub mod json;
pub mod keystone;
pub mod listing;
pub mod model;
pub mod net;
pub mod nova;
pub mod proxy;
pub mod sandbox;
pub mod serve;
pub mod upstream;
pub mod watch;
pub mod webob;
