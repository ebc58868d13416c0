//! The program: arguments, configuration, runtime, server. See the library for how it works.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    nova_glance_proxy::cli::main()
}
