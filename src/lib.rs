//! Answers legacy OpenStack Nova images clients from Glance v2, and passes everything else through; and answers Glance
//! v2 clients from a Nova images API.
//!
//! # The life of a request
//!
//! `serve` accepts a connection, shakes hands and reads HTTP. Each request is handed to [`proxy::handle`] together
//! with the snapshot of the configuration of that moment. There it is guarded, then read by the client's dialect
//! into a [`model::Call`]; what is no image request passes through, or is refused where clients speak Glance. Where a
//! Keystone is configured, it says who the caller is. A call is carried out against the other dialect's upstream, and
//! what that answers is written in the client's dialect as it streams by.
//!
//! # The module map
//!
//! | module | what | may name |
//! |---|---|---|
//! | [`cli`] | the commands | everything |
//! | [`serve`] | sockets, TLS, connections, which service a socket runs, reload, drain, signals | `proxy`, `config`, `watch` |
//! | [`proxy`] | the I/O shell: guards, headers, who calls, upstreams, pass-through, the operations | the dialects, `keystone`, `model`, `config` |
//! | [`nova`] | the legacy dialect, pure | `model`, `webob` |
//! | [`glance`] | the current dialect, pure | `model`, `webob` |
//! | [`keystone`] | how a token is asked about itself, pure | `model` |
//! | [`model`] | the nouns that both dialects can say, pure | nothing |
//! | [`webob`] | what the web framework under both services decides: queries, Accept, error pages; pure | nothing |
//! | [`config`] | settings, read into one immutable snapshot | `nova::{compat, back}`, `model` |
//! | [`watch`] | one record a request and who observes it, the log; called by all, names nobody | nothing |
//! | [`sandbox`] | Glance's front half on images in memory, pure | `glance`, `model` |
//! | [`deviations`] | where answers knowingly differ from Nova's, as data | nothing |
//! | [`docgen`] | the generated pages of `docs/`, written from the tables and the code that plans | the dialects, `deviations`, `config` |
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
