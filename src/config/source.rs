//! Where a configuration comes from: a file, environment variables, or both.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::environment::Environment;
use super::text::ConfigText;
use super::{AdminAddress, Config, Problems, resolve};

/// Where a configuration is read from, and read from again on a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFiles {
    /// The file.
    pub file: PathBuf,
    /// Whether the variables are enough if the file does not exist. They are if no operator named the file.
    pub is_optional: bool,
    /// The variables, which override the file.
    pub environment: Environment,
}

impl ConfigFiles {
    /// A file alone.
    #[must_use]
    pub fn only(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            is_optional: false,
            environment: Environment::default(),
        }
    }

    /// Reads everything: the file, the variables, and the certificates, keys and authorities that they name.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn load(&self) -> Result<Config, Problems> {
        let text = ConfigText::new(&self.file, self.text()?, self.environment.clone());
        resolve::config(&Arc::new(text))
    }

    /// Reads the addresses of the admin listeners and nothing else, so that a running server can be reached whatever
    /// else is wrong with the file, or with the certificates that it names.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn admin_addresses(&self) -> Result<Vec<AdminAddress>, Problems> {
        let text = ConfigText::new(&self.file, self.text()?, self.environment.clone());
        Ok(resolve::admin_addresses(&text))
    }

    fn text(&self) -> Result<String, Problems> {
        let is_dispensable = self.is_optional && !self.environment.is_empty();
        match std::fs::read_to_string(&self.file) {
            Err(error) if error.kind() == ErrorKind::NotFound && is_dispensable => {
                Ok(String::new())
            }
            read => read.map_err(|error| Problems::unreadable(&self.file, &error)),
        }
    }
}
