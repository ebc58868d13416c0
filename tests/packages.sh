# shellcheck shell=bash
# Helpers for scripts that run real programs: packages of the system, and the proxy's own binary.  Sourced.

# missing NAME...: prints which of these are not installed, one per line.  dpkg-query fails if it does not know a
# package, but still reports the others, so its output counts and not its exit status.
missing() {
  local installed name
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
  for name in "$@"; do
    grep -qx "installed $name" <<<"$installed" || echo "$name"
  done
}

# packages NAME...: installs missing packages.  A fresh machine has no package lists yet.
packages() {
  local sudo='' names
  names=$(missing "$@")
  [ -n "$names" ] || return 0
  mapfile -t names <<<"$names"
  echo "installing ${names[*]}" >&2
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq >&2
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${names[@]}" >&2
}

# proxy_binary: sets PROXY_BIN to a release build, unless it names a binary already.  REPO is the folder of the project.
proxy_binary() {
  [ -z "${PROXY_BIN:-}" ] || return 0
  (cd "$REPO" && cargo build --quiet --locked --release)
  PROXY_BIN=${CARGO_TARGET_DIR:-$REPO/target}/release/nova-glance-proxy
}
