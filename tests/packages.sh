# shellcheck shell=bash
# Helpers to install packages of the system, for scripts that need some.  Sourced.

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
