#!/bin/bash
# Stops what up.sh and run started, by pid file.  --wipe also removes databases, configuration and logs.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
for f in "$RUN"/*.pid; do
  [ -e "$f" ] && stop "$(basename "$f" .pid)" &
done
wait
if [ "${1:-}" = --wipe ]; then
  rm -rf "$VAR" "$ETC" "$LOG" "$RUN"
  echo "wiped"
fi
