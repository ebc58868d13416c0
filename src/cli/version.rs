//! The text of `--version`.

/// Version, commit, compiler and target, which a bug report needs. The values come from the build script.
pub(super) const fn long() -> &'static str {
    concat!(
        env!("CARGO_PKG_VERSION"),
        "\ncommit:  ",
        env!("NOVA_GLANCE_PROXY_COMMIT"),
        "\ndate:    ",
        env!("NOVA_GLANCE_PROXY_COMMIT_DATE"),
        "\nrustc:   ",
        env!("NOVA_GLANCE_PROXY_RUSTC"),
        "\ntarget:  ",
        env!("NOVA_GLANCE_PROXY_TARGET"),
        "\nprofile: ",
        env!("NOVA_GLANCE_PROXY_PROFILE"),
        "\nTLS:     rustls with aws-lc-rs",
    )
}
