# shellcheck shell=bash
# What the tests behind a load balancer need.  Sourced; REPO is the folder of the project.
. "$REPO/tests/packages.sh"

# prepare NAME: haproxy, the binary in PROXY_BIN, and an empty folder in STATE.
prepare() {
  export PATH=$PATH:/usr/sbin PYTHONPATH=$REPO/tests:$REPO/tests/balancing
  command -v haproxy >/dev/null || packages haproxy
  proxy_binary
  # A socket's path has room for 108 bytes.
  STATE=$(mktemp -d "/tmp/$1.XXXXXX")
  trap 'rm -rf "$STATE"' EXIT
}
