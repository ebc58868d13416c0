# shellcheck shell=bash
# Packages of the system, for scripts that need some.  Sourced.

# missing NAME...: which of these are not installed, one a line.  dpkg-query fails where it does not know a package, and
# still tells of the others: what it tells counts, and not how it ends.
missing() {
  local installed name
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
  for name in "$@"; do
    grep -qx "installed $name" <<<"$installed" || echo "$name"
  done
}

# packages NAME...: installs what is missing.  A bare machine has no lists of packages yet.
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
