//! `sandbox`: the proxy in front of a built-in service, to try it without a cloud.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};

use super::{exit, print, protocols, runtime};
use crate::config::protocol::NOVA;
use crate::config::{Config, ConfigSource, Protocol};
use crate::proxy::dialects::{PAIRINGS, Service, Tour};
use crate::sandbox::Store;
use crate::serve::{self, Bound, Running, Startup};
use crate::watch;

mod story;
mod upstream;

use upstream::LastAsked;

/// Any free port, if the usual one is taken.
const FREE: &str = "127.0.0.1:0";

#[derive(Debug, clap::Args)]
pub(super) struct SandboxOptions {
    /// Where the proxy listens [default: the usual port of the service that it plays on 127.0.0.1, or a free one if that
    /// is taken]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The dialect of the clients; the built-in service speaks the other one
    #[arg(long, value_name = "DIALECT", default_value = NOVA.word, value_parser = protocols(|it| tour(it).is_some()))]
    speaks: &'static Protocol,
    /// The images, as JSON: a saved reply of Glance to GET /v2/images, or a file like fixtures/sandbox/images.json
    #[arg(long, value_name = "FILE")]
    images: Option<PathBuf>,
    /// End after the first translation has been shown
    #[arg(long)]
    once: bool,
}

/// Shows one translation, then serves until a signal ends it.
pub(super) fn run(options: &SandboxOptions) -> ExitCode {
    let log = watch::init("warn", None).context("cannot start the log");
    let done = log.and_then(|_log| runtime()?.block_on(play(options)));
    exit(done)
}

async fn play(options: &SandboxOptions) -> Result<()> {
    let signals = serve::Signals::caught().context("cannot catch signals")?;
    let store = store(options.images.as_deref())?;
    let id = store.first_id().unwrap_or_default();
    let Protocol {
        word,
        usual_address,
        ..
    } = options.speaks;
    let tour = tour(options.speaks).ok_or_else(|| anyhow!("the sandbox has no tour of {word}"))?;
    let (asked, upstream) = before(store, tour.asked).await?;
    let config = format!("speaks = \"{word}\"\n{upstream}");
    let running = match &options.listen {
        Some(address) => start(address, &config).await?,
        None => start_usually(usual_address, &config).await?,
    };
    let Some(Bound::Tcp(proxy)) = running.addresses().first() else {
        return Err(anyhow!("the sandbox listens on TCP only"));
    };
    print(&story::tell(tour, *proxy, &asked, &id).await?);
    if options.once {
        return Ok(());
    }
    print(&"Ctrl-C ends.");
    signals.serve(running).await;
    Ok(())
}

/// What the sandbox shows of a protocol, if it supports the protocol.
fn tour(speaks: &Protocol) -> Option<&'static Tour> {
    let mut pairings = PAIRINGS.iter();
    let pairing = pairings.find(|pairing| pairing.speaks == speaks)?;
    pairing.tour.as_ref()
}

/// Starts the service that the proxy asks, and returns its section of the proxy's configuration.
///
/// The Nova is this program again: its Nova frontend in front of the built-in image service.
async fn before(store: Store, service: Service) -> Result<(LastAsked, String)> {
    let (glance, asked) = upstream::start(upstream::glance(store)).await?;
    let before_glance = format!("[glance]\nendpoints = [\"http://{glance}\"]\n");
    match service {
        Service::Glance => Ok((asked, before_glance)),
        Service::Nova => {
            let legacy = config(
                FREE,
                &format!("speaks = \"{}\"\n{before_glance}", NOVA.word),
            )?;
            let (nova, asked) = upstream::start(upstream::nova(legacy)).await?;
            let section = format!("[nova]\nendpoints = [\"http://{nova}\"]\nproject = \"demo\"\n");
            Ok((asked, section))
        }
    }
}

async fn start_usually(usual: &str, rest: &str) -> Result<Running> {
    match start(usual, rest).await {
        Ok(running) => Ok(running),
        Err(_) => start(FREE, rest).await,
    }
}

async fn start(address: &str, rest: &str) -> Result<Running> {
    let startup = Startup::new(config(address, rest)?, ConfigSource::Fixed);
    Ok(serve::start(startup).await?)
}

fn config(address: &str, rest: &str) -> Result<Config> {
    let text = format!("[[listen]]\naddress = {address:?}\n{rest}");
    Config::parse(&text, Path::new("--listen")).map_err(|problems| anyhow!("{problems}"))
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
