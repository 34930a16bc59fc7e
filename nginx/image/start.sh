#!/bin/sh
# Takes the socket that the entry keeps, and starts nginx with the release that was installed last; before the first one,
# with a page that says so.
set -eu
cd /etc/nginx/live
mkdir -p /tmp/nginx
door=/run/entry/$ENTRY_ID.sock
trap 'exit 0' QUIT TERM

# What an nginx that was killed had received of requests.
rm -rf /var/spool/nginx/*

# The one that serves is named on the volume, by a change that has tried it: a new one waits beside its predecessor.
me=$(hostname) serving=
until { read -r serving <balancer; } 2>/dev/null && [ "$serving" = "$me" ]; do sleep 0.1; done

if ! [ -f current/nginx.conf ]; then
  # Balancers of before there were releases have one file on the volume.
  name=none
  [ -f nginx.conf ] && name=legacy || true
  rm -rf current
  mkdir -p releases/$name
  if [ $name = legacy ]; then cp nginx.conf releases/legacy; else cp /etc/nginx/nginx.conf releases/none; fi
  ln -s releases/$name current
fi

# Edited by hand into something that nginx refuses: the one before it serves on. The next `pulumi up` repairs it.
if ! nginx -t -q -c /etc/nginx/live/current/nginx.conf && [ -f previous/nginx.conf ]; then
  ln -sfn "$(readlink previous)" current.new
  mv -T current.new current
fi

# The entry may start later. When it ends, its address ends with it, and a socket of it that is still open leads nowhere: this
# container then ends, too, and Docker starts it again.
until s6-fdholder-retrieve "$door" listen true 2>/dev/null; do sleep 0.1; done
{
  s6-ipcclient "$door" sh -c 'exec cat <&6' || true
  echo "The entry has ended." >&2
  kill -TERM 1
} &

# nginx takes over what it finds open. Its own output must stay its own: without a shell in between, it is process 1.
exec s6-fdholder-retrieve "$door" listen sh -c \
  'exec 3<&0 </dev/null; NGINX="3;" exec nginx -c /etc/nginx/live/current/nginx.conf -g "daemon off;"'
