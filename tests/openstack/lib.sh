# shellcheck shell=bash disable=SC2034
# Settings and helpers of run, stack/up.sh and stack/down.sh.  Every setting can be overridden from the environment.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(cd "$HERE/../.." && pwd)
PYTHON=${PYTHON:-python3}

# All generated files are here, so that `cargo clean` or `rm -r` removes everything.
STATE=${STATE:-${CARGO_TARGET_DIR:-$REPO/target}/openstack}
VENV=${VENV:-$STATE/venv}           # keystone, glance and nova from PyPI
VENV_OLD=${VENV_OLD:-$STATE/venv-antelope}        # a nova of 2023.1
VAR=${VAR:-$STATE/var}              # databases, file store, keys, env.json, seed.json
ETC=${ETC:-$STATE/etc}              # generated configuration
LOG=${LOG:-$STATE/log}
RUN=${RUN:-$STATE/run}              # pid files

KEYSTONE_PORT=${KEYSTONE_PORT:-25000}
GLANCE_PORT=${GLANCE_PORT:-29292}
GLANCE_LOWCAP_PORT=${GLANCE_LOWCAP_PORT:-29294}   # same database, api_limit_max = 50
NOVA_PORT=${NOVA_PORT:-28774}
NOVA_OLD_PORT=${NOVA_OLD_PORT:-28773}             # nova 27, in front of the same glance
PROXY_PORT=${PROXY_PORT:-28780}
PROXY_LOWCAP_PORT=${PROXY_LOWCAP_PORT:-28781}     # in front of the low-cap glance
PROXY_WRITES_PORT=${PROXY_WRITES_PORT:-28782}     # a relay of writes.py; the next port is for its proxy
PROXY_REVERSE_PORT=${PROXY_REVERSE_PORT:-28785}   # the proxy of reverse.py
PROXY_CHECKING_PORT=${PROXY_CHECKING_PORT:-28776}   # asks Keystone about tokens
PROXY_ICEHOUSE_PORT=${PROXY_ICEHOUSE_PORT:-28777}   # also answers in XML
PROXY_IDENTITY_PORT=${PROXY_IDENTITY_PORT:-28790}   # and the two after it: those of identity.py
PROXY_IMAGES_PORT=${PROXY_IMAGES_PORT:-28786}       # and the two after it: for Glance clients
# Thirty consecutive ports for services and proxies that only compare.py needs.
SPARE_PORT=${SPARE_PORT:-28800}
FAULTY_PORT=$SPARE_PORT                           # a Glance that misbehaves: faulty.py

OS_AUTH_URL=http://127.0.0.1:$KEYSTONE_PORT/v3
GLANCE_URL=http://127.0.0.1:$GLANCE_PORT
GLANCE_LOWCAP_URL=http://127.0.0.1:$GLANCE_LOWCAP_PORT
NOVA_URL=http://127.0.0.1:$NOVA_PORT
NOVA_OLD_URL=http://127.0.0.1:$NOVA_OLD_PORT
PROXY_URL=http://127.0.0.1:$PROXY_PORT
PROXY_LOWCAP_URL=http://127.0.0.1:$PROXY_LOWCAP_PORT
PROXY_CHECKING_URL=http://127.0.0.1:$PROXY_CHECKING_PORT
PROXY_ICEHOUSE_URL=http://127.0.0.1:$PROXY_ICEHOUSE_PORT
# Glance through Nova: through the new one, the old one, and the proxy in front of Glance.
PROXY_IMAGES_URL=http://127.0.0.1:$PROXY_IMAGES_PORT
PROXY_IMAGES_OLD_URL=http://127.0.0.1:$((PROXY_IMAGES_PORT + 1))
PROXY_IMAGES_ROUND_URL=http://127.0.0.1:$((PROXY_IMAGES_PORT + 2))

# Passwords of services that listen on loopback for one test run only.
ADMIN_PW=${ADMIN_PW:-adminpw}
TENANT_PW=${TENANT_PW:-tenantpw}
SERVICE_PW=${SERVICE_PW:-servicepw}

say() { echo "[${SECONDS}s] $*"; }

# alive NAME: succeeds if the process of this pid file runs
alive() { [ -s "$RUN/$1.pid" ] && kill -0 "$(cat "$RUN/$1.pid")" 2>/dev/null; }

# answers NAME URL SECONDS: waits until URL answers, and checks that it is our process that did.
answers() {
  "$PYTHON" - "$2" "$3" <<'PY' || { echo "$1 does not answer: see $LOG/$1.*" >&2; return 1; }
import sys, time, urllib.error, urllib.request
url, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    try:
        urllib.request.urlopen(url, timeout=5)
        sys.exit(0)
    except urllib.error.HTTPError:
        sys.exit(0)          # any status is an answer
    except OSError:
        time.sleep(0.2)
sys.exit(1)
PY
  alive "$1" || { echo "$1 died, yet $2 answers: is the port taken? see $LOG/$1.*" >&2; return 1; }
}

# stop NAME: sends SIGTERM, and SIGKILL after five seconds.
stop() {
  local pid
  if alive "$1"; then
    pid=$(cat "$RUN/$1.pid")
    kill -TERM "$pid" 2>/dev/null || true      # it may have ended meanwhile
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
    echo "stopped $1 ($pid)"
  fi
  rm -f "$RUN/$1.pid"
}
