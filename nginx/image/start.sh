#!/bin/sh
# Starts nginx with the release that was installed last; before the first one, with a page that says so.
set -eu
cd /etc/nginx/live
mkdir -p /tmp/nginx

# What an nginx that was killed had received of requests.
rm -rf /var/spool/nginx/*

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

exec nginx -c /etc/nginx/live/current/nginx.conf -g 'daemon off;'
