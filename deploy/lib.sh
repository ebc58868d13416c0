# shellcheck shell=bash
# What deploy/release and the tests of what it makes have in common.  Sourced; REPO is the folder of the project.
. "$REPO/tests/packages.sh"
TARGET=${CARGO_TARGET_DIR:-$REPO/target}
TOOLS=$TARGET/tools
STATIC_TARGET=$(uname -m)-unknown-linux-gnu
# Who answers for the packages: by Debian's variables, where they are set.
MAINTAINER="${DEBFULLNAME:-nova-glance-proxy maintainers} <${DEBEMAIL:-maintainers@nova-glance-proxy.invalid}>"
export PATH=$TOOLS/bin:$PATH:/usr/sbin

# cargo_tools NAME@VERSION...: installs missing ones under the target folder.
cargo_tools() {
  local tool missing=()
  for tool in "$@"; do
    [ -x "$TOOLS/bin/${tool%@*}" ] || missing+=("$tool")
  done
  [ ${#missing[@]} = 0 ] || RUSTFLAGS='' cargo install --quiet --locked --root "$TOOLS" "${missing[@]}"
}

# static_binary: builds the binary that needs no library, in STATIC_BIN unless that names one already.
static_binary() {
  [ -z "${STATIC_BIN:-}" ] || return 0
  cargo_tools cargo-auditable@0.7.7
  # glibc has resolved names inside a static program since 2.34. Such a program cannot look the function getrandom up, and
  # without the second flag it would open /dev/urandom, which a container need not have.
  (cd "$REPO" && RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static --cfg getrandom_backend=\"linux_getrandom\"" \
    cargo auditable build --quiet --locked --release --target "$STATIC_TARGET")
  STATIC_BIN=$TARGET/$STATIC_TARGET/release/nova-glance-proxy
}

# packaged BINARY FOLDER: what a binary prints for packages, and the licences of what it is made of.
packaged() {
  local binary=$1 folder=$2 version
  version=$("$binary" -V)
  mkdir -p "$folder"
  "$binary" man > "$folder/nova-glance-proxy.1"
  gzip -9nf "$folder/nova-glance-proxy.1"
  "$binary" completions bash > "$folder/nova-glance-proxy.bash"
  "$binary" completions zsh > "$folder/_nova-glance-proxy"
  "$binary" completions fish > "$folder/nova-glance-proxy.fish"
  python3 "$REPO/deploy/licences.py" "$REPO/Cargo.toml" "$STATIC_TARGET" > "$folder/THIRD-PARTY-LICENSES.txt"
  gzip -9n > "$folder/changelog.Debian.gz" <<EOF
nova-glance-proxy (${version##* }-1) unstable; urgency=medium

  * NEWS.md begins each version with what an operator must do.

 -- ${MAINTAINER}  $(date --utc --rfc-email --date="@${SOURCE_DATE_EPOCH:-0}")
EOF
}

# debian_package OUT: packs the binary in $TARGET/release, and prints the package's name.
debian_package() {
  cargo_tools cargo-deb@3.8.0
  packages dpkg-dev
  packaged "$TARGET/release/nova-glance-proxy" "$TARGET/release/packaged" >&2
  (cd "$REPO" && CARGO_TARGET_DIR=$TARGET cargo deb --quiet --no-build --locked --maintainer "$MAINTAINER" --output "$1")
}
