#!/bin/sh
# Listens on the port that Docker publishes, and keeps the socket for nginx: in s6-fdholderd, which hands it out over a Unix
# socket on a volume. It takes no connection itself: those of before nginx is there, or back, wait.
set -eu
door=/run/entry/$ENTRY_ID.sock

# The one of before a crash is in the way.
rm -f "$door" "$door.lock"
s6-fdholder-daemon -i /etc/entry/rules "$door" &
trap 'kill $!; exit 0' TERM
until [ -S "$door" ]; do sleep 0.05; done
perl /etc/entry/listen.pl "$LISTEN_PORT" s6-fdholder-store "$door" listen
wait
