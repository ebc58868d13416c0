//! `explain`: prints what a request would cause, without sending it.
//!
//! It runs the code that serves: the frontend reads the request, and the steps are those of the operations.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::header::HOST;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use super::{CONFIGURATION, ConfigFile, FILE_VARIABLE, USAGE, eprint, print, protocols};
use crate::config::protocol::NOVA;
use crate::config::{Config, Problems, Protocol, masked};
use crate::proxy::guard::Flaw;

mod differences;
mod presets;
mod request;
mod rows;
mod scene;
mod steps;

use request::explain;
use scene::Scene;

#[derive(Debug, clap::Args)]
pub(super) struct ExplainOptions {
    /// The configuration file; without one, the service that is asked and every setting at its default
    #[arg(long, value_name = "FILE", env = FILE_VARIABLE)]
    config: Option<PathBuf>,
    /// The dialect of the client [default: that of the configuration's first listener, or nova]
    #[arg(long, value_name = "DIALECT", value_parser = protocols(|_| true))]
    speaks: Option<&'static Protocol>,
    /// The request's method
    method: Method,
    /// The request's path and query, as a client sends them
    target: String,
    /// List the deviations, too, that only apply under a condition
    #[arg(long)]
    verbose: bool,
    /// A header of the request, `K: V`; may be given more than once
    #[arg(short = 'H', long = "header", value_name = "K: V", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Prints what the request would cause.
pub(super) fn run(options: &ExplainOptions) -> ExitCode {
    let config = match config(options) {
        Ok(config) => config,
        Err(problems) => {
            eprint(&problems);
            return ExitCode::from(CONFIGURATION);
        }
    };
    let Some(scene) = Scene::new(&config, options.speaks) else {
        eprint(&"no listener of this configuration has this dialect");
        return ExitCode::from(USAGE);
    };
    let parts = match parts(options) {
        Ok(parts) => parts,
        Err(error) => {
            eprint(&error);
            return ExitCode::from(USAGE);
        }
    };
    match explain(&scene, &parts, options.verbose) {
        Ok(text) => {
            print(&text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprint(error);
            ExitCode::FAILURE
        }
    }
}

fn config(options: &ExplainOptions) -> Result<Config, Problems> {
    if let Some(file) = &options.config {
        let config = Some(file.clone());
        return ConfigFile { config }.files().load();
    }
    let speaks = options.speaks.unwrap_or(&NOVA);
    Config::parse(&speaks.example_config(), Path::new(NO_FILE))
}

/// The name that errors show if no file is named.
const NO_FILE: &str = "the default configuration";

/// The request as the server would pass it on.
fn parts(options: &ExplainOptions) -> Result<Parts, String> {
    let target = &options.target;
    let uri = target.parse::<Uri>().map_err(|error| {
        format!(
            "`{}` is not a valid request target: {error}",
            masked(target)
        )
    })?;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = options.method.clone();
    parts.uri = uri;
    if target.contains('#') {
        parts.extensions.insert(Flaw::Fragment);
    }
    for (name, value) in &options.headers {
        parts.headers.append(name, value.clone());
    }
    parts
        .headers
        .entry(HOST)
        .or_insert(HeaderValue::from_static("localhost"));
    Ok(parts)
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written `K: V`")?;
    let name: HeaderName = name
        .trim()
        .parse()
        .map_err(|_| format!("`{name}` is not a valid header name"))?;
    let value = value
        .trim()
        .parse()
        .map_err(|_| format!("the value of `{name}` is not a valid header value"))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests;
