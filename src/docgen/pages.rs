//! The generated pages of `docs/`, as data.
//!
//! A test compares each page with the program's tables, and rewrites it with `BLESS=1`. Other code that needs the pages
//! reads this table too.

use super::{compatibility, deviating};
use crate::config::settings;
use crate::metrics;
use crate::nova::compat;

/// A generated page.
#[derive(Clone, Copy, Debug)]
pub struct GeneratedPage {
    /// The name of the file in `docs/`.
    pub file: &'static str,
    /// The heading of the page.
    pub title: &'static str,
    /// The text between the heading and the tables, as Markdown.
    pub introduction: &'static str,
    /// Writes the tables, as Markdown.
    pub body: fn() -> String,
}

/// The command that writes the pages, as each page quotes it.
const COMMAND: &str = "BLESS=1 cargo test --test it papers";

/// Every generated page.
pub const GENERATED_PAGES: &[GeneratedPage] = &[
    GeneratedPage {
        file: "compatibility.md",
        title: "Compatibility",
        introduction: COMPATIBILITY,
        body: compatibility,
    },
    GeneratedPage {
        file: "deviations.md",
        title: "Deviations",
        introduction: DEVIATIONS,
        body: deviating,
    },
    GeneratedPage {
        file: "releases.md",
        title: "Releases of Nova, and literal mode",
        introduction: RELEASES,
        body: compat::releases,
    },
    GeneratedPage {
        file: "configuration.md",
        title: "Configuration reference",
        introduction: CONFIGURATION,
        body: settings::reference,
    },
    GeneratedPage {
        file: "metrics.md",
        title: "Metrics",
        introduction: METRICS,
        body: metrics::reference,
    },
];

impl GeneratedPage {
    /// Returns the whole page.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "# {}\n\n_Generated from the tables that the program runs on. Do not edit this page; change the table and run \
             `{COMMAND}`._\n\n{}\n\n{}\n",
            self.title,
            self.introduction.trim(),
            (self.body)().trim()
        )
    }
}

const COMPATIBILITY: &str = "\
What is translated, and how: first for clients of the Nova images API that are answered from Glance v2, then for clients
of Glance v2 that are answered from Nova. Everything else that a Nova client sends passes through to Nova unchanged.

Where an answer differs from the real service on purpose, [deviations.md](deviations.md) has a row for it.
[evidence.md](evidence.md) says how these tables were checked against real services. To see what happens to one
request, run `nova-glance-proxy explain METHOD TARGET`.";

const DEVIATIONS: &str = "\
Every place where the proxy knowingly answers differently from the service it stands for. A difference that has no row
here is a bug. Tests check that each row still differs as described.

The last column names the setting that restores the real service's answer. `-` means that there is none, and the
column before it has the reason. `compat.literal = true` sets every `literal` value at once, see [releases.md](releases.md).";

const RELEASES: &str = "\
By default the proxy answers as Nova 30 and later (where these differ, as Nova 34), except where that Nova is wrong. Three settings change this:

* `compat.release` names an older Nova, and the proxy answers as that one did.
* `compat.vendor` names a cloud whose images API differs from Nova's.
* `compat.literal = true` restores the mistakes of the chosen release, for clients that depend on them.

Every rule with a name in the setting column can also be set on its own. A single setting always wins over release,
vendor and `literal`:

```toml
[compat]
release = \"icehouse\"
literal = true
server_filter = \"segment\"       # keep the correct behaviour for this one
```

Some mistakes are never restored: Glance parameters inside `property-KEY`, `?_method=`, and failures that help no
client. [deviations.md](deviations.md) lists them with the reason.

The table shows the rules on which releases differ, and then the rules that `literal` switches. Rows that begin with
`literal:` show the values that hold with `literal = true`.";

const CONFIGURATION: &str = "\
Every setting, in the order in which a file would have them. The file is TOML; `nova-glance-proxy serve` reads
`/etc/nova-glance-proxy/config.toml` unless `--config` names another one.

An unknown key or a wrong value makes the whole file invalid. `nova-glance-proxy check --config FILE` prints every error
with its line and column, and exits with 0 or 78. File names in a configuration are relative to the directory of the
configuration file. [operating.md](operating.md) explains which settings belong together.

Every setting is also an [environment variable](operating.md#how-do-i-set-something-by-an-environment-variable), which
overrides the file. `nova-glance-proxy config --effective` prints the settings in effect, each with its origin.";

const METRICS: &str = "\
Every metric, in the order of a scrape. [operating.md](operating.md#how-do-i-monitor-it) says where they are scraped, and
has a paragraph for each alert.

No label is ever made of what a client sends: a word that its set does not have counts as `other`, and a status that the
list does not have counts as its class. A series that does not exist from the start appears when it is first used.";
