#!/bin/sh
# clock.sh PID: ends nginx in order when the wall clock has gone back, for Docker to start it again. Until the clock is again what
# it was, nginx would hold to addresses of servers that it has looked up, even over a reload, and leave out those that failed.
set -eu

# What the clock is ahead of one that is never set.
ahead() {
  read -r up rest </proc/uptime
  echo $(($(date +%s) - ${up%.*}))
}

before=$(ahead)
while sleep 2; do
  now=$(ahead)
  if [ $((before - now)) -gt 10 ]; then
    echo "The clock has gone back by $((before - now)) s: nginx starts again." >&2
    kill -QUIT "$1"
  fi
  before=$now
done
