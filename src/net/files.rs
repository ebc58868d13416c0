//! How many files this process may have open. Each connection is one.

/// The limit that holds now, as the kernel tells it. `None` where there is no limit, or no such kernel.
pub fn soft_limit() -> Option<u64> {
    soft_limit_in(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

/// Out of the text of proc(5): a line for each limit, its name, the soft limit and the hard one.
fn soft_limit_in(limits: &str) -> Option<u64> {
    let mut lines = limits.lines();
    let numbers = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    numbers.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{soft_limit, soft_limit_in};

    #[test]
    fn the_soft_limit_is_the_first_number() {
        let limits = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units\n\
                 Max processes             1                    2                    processes\n\
                 Max open files            {soft}                 1048576              files\n"
            )
        };
        assert_eq!(soft_limit_in(&limits("1024")), Some(1024));
        assert_eq!(soft_limit_in(&limits("unlimited")), None);
        assert_eq!(soft_limit_in(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_one() {
        assert!(soft_limit().is_none_or(|limit| limit > 0));
    }
}
