#!/bin/sh
# trim.sh FILE MB: empties a log whenever it is larger than so many MiB. Of a canary whose update was killed, nobody reads it, and
# nginx goes on writing until the next update takes the canary back.
set -eu

while sleep 10; do
  bytes=$(stat -c %s "$1" 2>/dev/null) || continue
  if [ "$bytes" -gt $(($2 * 1024 * 1024)) ]; then : >"$1"; fi
done
