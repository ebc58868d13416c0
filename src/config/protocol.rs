//! What the clients of a listener can speak: one row a protocol, and everything that a configuration and the commands
//! must know of it. `proxy::dialects` has what answers its clients.

/// What the clients of a listener speak: a row of [`PROTOCOLS`].
#[derive(Debug)]
pub struct Protocol {
    /// The word in the configuration, on the command line and in the log. No two rows share one.
    pub word: &'static str,
    /// What it is, within a sentence.
    pub about: &'static str,
    /// The service that the clients believe they talk to, for texts.
    pub service: &'static str,
    /// The section of the service that answers these clients. A listener is of no use without it.
    pub needs: &'static str,
    /// That section with nothing but what it cannot do without, as TOML: what `explain` assumes if it gets no file.
    pub example: &'static str,
    /// Where that service usually listens.
    pub usual_address: &'static str,
    /// Whether `[compat]` says how these clients are answered.
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
    has_compat: false,
};

/// Every protocol that a configuration can name. The first one is assumed where nothing is said.
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
