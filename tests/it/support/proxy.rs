//! A proxy in this process, on its own port, with a configuration file that a test can change.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nova_glance_proxy::config::{Config, ConfigFiles, ConfigSource, Problems};
use nova_glance_proxy::serve::{self, Bound, Reloaded, Running, Startup};
use nova_glance_proxy::watch::Observer;
use tempfile::TempDir;

use super::Client;

pub struct Proxy {
    pub running: Running,
    pub folder: TempDir,
    /// Whether the first listener speaks Glance v2.
    speaks_glance: bool,
}

/// A listener for Nova clients in front of a Nova, with a Glance that is never asked; `more` is added at the end.
pub fn before_nova(nova: SocketAddr, more: &str) -> String {
    format!(
        r#"
[[listen]]
address = "127.0.0.1:0"
speaks = "nova"
[glance]
endpoints = ["http://127.0.0.1:9"]
[nova]
endpoints = ["http://{nova}"]
{more}
"#
    )
}

/// A listener for Nova clients in front of a Glance, without a Nova; `more` is added at the end, below `[glance]`.
pub fn before_glance(glance: SocketAddr, more: &str) -> String {
    format!(
        r#"
[[listen]]
address = "127.0.0.1:0"
speaks = "nova"
[glance]
endpoints = ["http://{glance}"]
{more}
"#
    )
}

impl Proxy {
    /// Starts with this configuration.
    pub async fn start(text: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), text).await
    }

    /// Starts with this configuration in a folder that has the files it names.
    pub async fn start_in(folder: TempDir, text: &str) -> Self {
        Self::observed(folder, text, Vec::new()).await
    }

    /// Starts with this configuration and these observers of every request.
    pub async fn observed(folder: TempDir, text: &str, observers: Vec<Arc<dyn Observer>>) -> Self {
        let file = file_in(folder.path());
        std::fs::write(&file, text).unwrap();
        let config = Config::load(&file).unwrap_or_else(|problems| panic!("{problems}"));
        let startup = Startup {
            observers,
            ..Startup::new(config, ConfigSource::Files(ConfigFiles::only(&file)))
        };
        let running = serve::start(startup).await.unwrap();
        let first = text.split("speaks = ").nth(1);
        Self {
            running,
            folder,
            speaks_glance: first.is_some_and(|rest| rest.starts_with("\"glance\"")),
        }
    }

    /// The address of the first listener.
    pub fn address(&self) -> &Bound {
        &self.running.addresses()[0]
    }

    /// Opens a new connection to the first listener. Images that it shows to Glance clients must match Glance's schema.
    pub async fn client(&self) -> Client {
        let client = Client::connect(self.address()).await;
        if self.speaks_glance {
            client.hold_to_schema()
        } else {
            client
        }
    }

    /// Writes another configuration and reloads.
    pub fn reload(&self, text: &str) -> Result<Reloaded, Problems> {
        std::fs::write(file_in(self.folder.path()), text).unwrap();
        self.running.reload()
    }
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("config.toml")
}
