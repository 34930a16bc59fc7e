#!/bin/sh
# take.sh ID:PORT ...: starts nginx with the sockets of these entries. Each is handed over as the standard input of the next call.
set -eu
sockets=${SOCKETS-}
# The descriptors from 3 on.
if [ "${TAKEN-}" ]; then
  eval "exec $TAKEN<&0 </dev/null"
  sockets="$sockets$TAKEN;"
fi
if [ $# -gt 0 ]; then
  door=/run/entry/${1%:*}.sock
  shift
  export SOCKETS="$sockets" TAKEN=$((${TAKEN:-2} + 1))
  exec s6-fdholder-retrieve "$door" listen "$0" "$@"
fi
# nginx takes over what it finds open. Its own output must stay its own: without a shell in between, it is process 1.
NGINX=$sockets exec nginx -c /etc/nginx/live/current/nginx.conf -g "daemon off;"
