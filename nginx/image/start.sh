#!/bin/sh
# Starts nginx with the configuration that was installed last; before the first one, with a page that says so.
set -eu
live=/etc/nginx/live
mkdir -p /tmp/nginx

# What an nginx that was killed had received of requests.
rm -rf /var/spool/nginx/*

[ -f $live/nginx.conf ] || cp /etc/nginx/nginx.conf $live/nginx.conf

# Edited by hand into something that nginx refuses: the one before it serves on. The next `pulumi up` repairs it.
if ! nginx -t -q -c $live/nginx.conf && [ -f $live/previous.conf ]; then
  mv $live/nginx.conf $live/refused.conf
  cp $live/previous.conf $live/nginx.conf
fi

exec nginx -c $live/nginx.conf -g 'daemon off;'
