#!/bin/sh
# Takes the sockets that the entries keep, and starts nginx with the release that was installed last. Before the first one it
# takes none: connections wait there, or a predecessor has them. ENTRIES names the entries: ID:PORT ID:PORT.
set -eu
cd /etc/nginx/live
mkdir -p /tmp/nginx
trap 'exit 0' QUIT TERM
me=$(hostname)

# What an nginx that was killed had received of requests.
rm -rf /var/spool/nginx/*

# nginx finds a file of each log. That there is none is no reason not to serve.
logs=/var/log/balancer
perl /etc/nginx/log.pl begin "$logs" || true
# Others ask nginx by a socket there, each nginx by its own: the one that ends would take along that of the next.
rm -rf "$logs/run/$me"
mkdir -p "$logs/run/$me" && ln -sfn "$logs/run/$me" /tmp/nginx/status || true

# The one that serves is named on the volume, by a change that has tried it: a new one waits beside its predecessor.
serving=
named() { { read -r serving <balancer; } 2>/dev/null && [ "$serving" = "$me" ]; }

accepted() { [ -f "$1/nginx.conf" ] && nginx -t -q -c "/etc/nginx/live/$1/nginx.conf"; }

installed() {
  # Balancers of before there were releases have one file on the volume.
  if ! [ -f current/nginx.conf ] && [ -f nginx.conf ]; then
    rm -rf current
    mkdir -p releases/legacy
    cp nginx.conf releases/legacy
    ln -s releases/legacy current
  fi
  if accepted current; then return; fi
  # Edited by hand, or deleted: the one before it serves on. The next `pulumi up` repairs it.
  if accepted previous; then
    rm -rf current
    ln -s "$(readlink previous)" current
    return
  fi
  # What nginx refuses, a change may mend: trying it costs more than looking whether it is there.
  if [ -f current/nginx.conf ]; then sleep 1; fi
  return 1
}

until named && installed; do sleep 0.1; done

# nginx closes a socket that its configuration doesn't name. The change that has made another entry names it next.
for listening in $ENTRIES; do
  port=${listening#*:}
  grep -q "listen $port" current/nginx.conf ||
    sed -i "s/^http {\$/&\n  server { listen $port; return 444; }/" current/nginx.conf
done

# An entry may start later. When it ends, its address ends with it, and a socket of it that is still open leads nowhere: this
# container then ends, too, and Docker starts it again.
for listening in $ENTRIES; do
  door=/run/entry/${listening%:*}.sock
  until s6-fdholder-retrieve "$door" listen true 2>/dev/null; do sleep 0.1; done
  {
    s6-ipcclient "$door" sh -c 'exec cat <&6' || true
    echo "The entry of port ${listening#*:} has ended." >&2
    kill -TERM 1
  } &
done

# Backends that start at the same time, as after a reboot, take longer: clients can wait for them at the entries, and get no 502.
timeout 5 perl /etc/nginx/backends.pl current/nginx.conf &
wait $! || true

/etc/nginx/clock.sh 1 &
# What reads it begins it anew at 64 MiB.
/etc/nginx/trim.sh /var/spool/nginx/canary.log 256 &
# Where nothing is logged, they would take memory for nothing.
[ ! -f current/log.txt ] || perl /etc/nginx/log.pl names "$logs" current || true
{ until [ -f current/log.txt ]; do sleep 5; done; exec perl /etc/nginx/log.pl keep "$logs" current 1; } &
{
  until grep -q '^log metrics ' current/log.txt 2>/dev/null; do sleep 5; done
  exec /etc/nginx/gauges.sh /etc/nginx/live/current /etc/nginx/live/history.jsonl "$logs/metrics.log" 5
} &
find "$logs/run" -mindepth 1 -maxdepth 1 ! -name "$me" -exec rm -rf {} + || true
ln -sfn "$me" "$logs/run/current" || true

exec /etc/nginx/take.sh $ENTRIES
