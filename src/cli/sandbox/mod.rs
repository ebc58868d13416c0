//! `sandbox`: the proxy in front of a built-in service, to see it work without a cloud.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};

use super::{exit, print, runtime};
use crate::config::{Config, ConfigSource, Protocol};
use crate::sandbox::Store;
use crate::serve::{self, Bound, Running, Startup};
use crate::watch;

mod story;
mod upstream;

use upstream::LastAsked;

/// Any free port, for when the usual one is taken.
const FREE: &str = "127.0.0.1:0";

#[derive(Debug, clap::Args)]
pub(super) struct SandboxOptions {
    /// Where the proxy listens [default: the usual port of the service that it plays (nova: 127.0.0.1:8774,
    /// glance: 127.0.0.1:9292), or a free one if that is taken]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// The dialect of the clients; the built-in service speaks the other one
    #[arg(long, value_enum, value_name = "DIALECT", default_value = "nova")]
    speaks: Protocol,
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
    let (asked, config) = before(store, options.speaks).await?;
    let running = match (&options.listen, options.speaks) {
        (Some(address), _) => start(address, &config).await?,
        (None, Protocol::Nova) => start_usually("127.0.0.1:8774", &config).await?,
        (None, Protocol::Glance) => start_usually("127.0.0.1:9292", &config).await?,
    };
    let Some(Bound::Tcp(proxy)) = running.addresses().first() else {
        return Err(anyhow!("the sandbox listens on TCP only"));
    };
    print(&story::tell(options.speaks, *proxy, &asked, &id).await?);
    if options.once {
        return Ok(());
    }
    print(&"Ctrl-C ends.");
    signals.serve(running).await;
    Ok(())
}

/// Starts the service that is asked, and words the rest of the configuration of the proxy before it.
///
/// The Nova of the other direction is this program once more: Nova's front on the built-in image service.
async fn before(store: Store, speaks: Protocol) -> Result<(LastAsked, String)> {
    let (glance, asked) = upstream::start(upstream::glance(store)).await?;
    let before_glance = format!("speaks = \"nova\"\n[glance]\nendpoints = [\"http://{glance}\"]\n");
    if speaks == Protocol::Nova {
        return Ok((asked, before_glance));
    }
    let legacy = config(FREE, &before_glance)?;
    let (nova, asked) = upstream::start(upstream::nova(legacy)).await?;
    let before_nova = format!(
        "speaks = \"glance\"\n[nova]\nendpoints = [\"http://{nova}\"]\nproject = \"demo\"\n"
    );
    Ok((asked, before_nova))
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
