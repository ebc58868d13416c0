//! `sandbox`: the proxy in front of a built-in image service, to see it work without a cloud.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};

use super::{exit, runtime, say};
use crate::config::{Config, Source};
use crate::sandbox::Store;
use crate::serve::{self, Bound, Running};
use crate::watch;

mod story;
mod upstream;

/// Where the proxy listens unless something else is asked for.
const USUAL: &str = "127.0.0.1:8774";
/// Any free port, for when the usual one is taken.
const FREE: &str = "127.0.0.1:0";

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where the proxy listens [default: 127.0.0.1:8774, or a free port if that is taken]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The images, as JSON: a saved reply of Glance to GET /v2/images, or a file like fixtures/sandbox/images.json
    #[arg(long, value_name = "FILE")]
    images: Option<PathBuf>,
    /// End after the first translation has been shown
    #[arg(long)]
    once: bool,
}

/// Shows one translation, then serves until a signal ends it.
pub(super) fn run(options: &Options) -> ExitCode {
    watch::init("warn");
    exit(runtime().and_then(|runtime| runtime.block_on(play(options))))
}

async fn play(options: &Options) -> Result<()> {
    let signals = serve::Signals::caught().context("cannot catch signals")?;
    let store = store(options.images.as_deref())?;
    let id = store.first_id().unwrap_or_default();
    let (glance, asked) = upstream::start(store).await?;
    let running = match &options.listen {
        Some(address) => start(address, glance).await?,
        None => match start(USUAL, glance).await {
            Ok(running) => running,
            Err(_) => start(FREE, glance).await?,
        },
    };
    let Some(Bound::Tcp(proxy)) = running.addresses().first() else {
        return Err(anyhow!("the sandbox listens on TCP only"));
    };
    say(&story::tell(*proxy, &asked, &id).await?);
    if options.once {
        return Ok(());
    }
    say(&"Ctrl-C ends.");
    signals.serve(running).await;
    Ok(())
}

async fn start(address: &str, glance: SocketAddr) -> Result<Running> {
    let text = format!(
        "listen = [{{ address = {address:?}, speaks = \"nova\" }}]\nglance = {{ endpoints = [\"http://{glance}\"] }}\n"
    );
    let config =
        Config::parse(&text, Path::new("--listen")).map_err(|problems| anyhow!("{problems}"))?;
    Ok(serve::start(config, Source::Fixed).await?)
}

fn store(file: Option<&Path>) -> Result<Store> {
    let Some(file) = file else {
        return Ok(Store::demo());
    };
    let name = file.display();
    let json = std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
    Store::from_json(&json).map_err(|error| {
        anyhow!("{name}: {error}; it takes {{\"images\": [...]}} with image objects of Glance v2")
    })
}
