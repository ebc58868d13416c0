//! The protocols of listeners: one row for each, with everything that the configuration and the commands need.
//! `proxy::dialects` has the code that answers the clients.

/// The protocol that the clients of a listener use: a row of [`PROTOCOLS`].
#[derive(Debug)]
pub struct Protocol {
    /// The word in the configuration, on the command line and in the log. No two rows share one.
    pub word: &'static str,
    /// A description that fits into a sentence.
    pub about: &'static str,
    /// The service that the clients believe they talk to, as texts name it.
    pub service: &'static str,
    /// The section of the service that answers these clients. A listener needs it.
    pub needs: &'static str,
    /// That section with its required settings only, as TOML. `explain` uses it if no file is named.
    pub example: &'static str,
    /// The usual address of that service.
    pub usual_address: &'static str,
    /// The path that the service answers to load balancers itself, if it does: the default of `listen.health_path`.
    pub health_path: Option<&'static str>,
    /// Whether `[compat]` applies to these clients.
    pub has_compat: bool,
}

/// Nova's images API.
pub static NOVA: Protocol = Protocol {
    word: "nova",
    about: "the legacy Nova images API",
    service: "Nova",
    needs: "glance",
    example: "glance = { endpoints = [\"http://glance:9292\"] }",
    usual_address: "127.0.0.1:8774",
    health_path: None,
    has_compat: true,
};

/// Glance v2.
pub static GLANCE: Protocol = Protocol {
    word: "glance",
    about: "Glance v2",
    service: "Glance",
    needs: "nova",
    example: "nova = { endpoints = [\"http://nova:8774\"] }",
    usual_address: "127.0.0.1:9292",
    health_path: Some("/healthcheck"),
    has_compat: false,
};

/// Every protocol that a configuration can name. The first one is the default.
pub const PROTOCOLS: &[&Protocol] = &[&NOVA, &GLANCE];

impl Protocol {
    /// The smallest configuration that serves such clients, as TOML.
    #[must_use]
    pub fn example_config(&self) -> String {
        let Self {
            word,
            example,
            usual_address,
            ..
        } = self;
        format!("listen = [{{ address = \"{usual_address}\", speaks = \"{word}\" }}]\n{example}\n")
    }
}

impl PartialEq for Protocol {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl Eq for Protocol {}

/// The meaning of `listen.speaks`.
pub(super) fn meaning() -> String {
    let told = PROTOCOLS.iter().map(|protocol| {
        let Protocol {
            word, about, needs, ..
        } = protocol;
        format!("`{word}`, {about}, answered from `[{needs}]`")
    });
    let told: Vec<_> = told.collect();
    format!("The dialect of the clients here: {}.", told.join("; "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::PROTOCOLS;
    use crate::config::Config;

    #[test]
    fn each_row_has_its_own_word_and_an_example_that_is_enough() {
        for (index, protocol) in PROTOCOLS.iter().enumerate() {
            let word = protocol.word;
            assert_eq!(
                PROTOCOLS.iter().position(|other| other.word == word),
                Some(index),
                "two rows of PROTOCOLS have the word `{word}`"
            );
            let config = Config::parse(&protocol.example_config(), Path::new("example"));
            let config = config.unwrap_or_else(|problems| {
                panic!("the example of `{word}` in src/config/protocol.rs: {problems}")
            });
            assert_eq!(config.listen[0].speaks, *protocol);
            let without = protocol.example_config().replace(protocol.example, "");
            assert!(
                Config::parse(&without, Path::new("example")).is_err(),
                "a listener that speaks `{word}` needs `[{}]`",
                protocol.needs
            );
        }
    }
}
