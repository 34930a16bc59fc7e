#!/bin/sh
# Gets a certificate for each host that /acme/FOLDER/hosts names, and renews it, by lego. HUP: tries at once.
#
# Environment: FOLDER, in which all of one authority lies; DIRECTORY and EMAIL, for lego; CA, the certificate in PEM that an
# authority of one's own has for itself. nginx reads live/HOST.crt and live/HOST.key, which are replaced whole; status/HOST tells
# of a failure: how many there were in a row, when the next attempt is (seconds since 1970), and lego's words.
set -u
umask 077
mkdir -p "/acme/$FOLDER" && cd "/acme/$FOLDER" && mkdir -p webroot live status certificates || exit 1
lego=$(command -v lego || echo /lego)
if [ -n "${CA-}" ]; then
  echo "$CA" >/tmp/ca.pem
  export LEGO_CA_CERTIFICATES=/tmp/ca.pem LEGO_CA_SYSTEM_CERT_POOL=true
fi
hurry=
trap 'hurry=1' HUP
trap 'exit 0' TERM

now() { date +%s; }

# When a certificate begins and ends: the first two times in it.
span() {
  sed '/END/,$d; /BEGIN/d' "$1" | base64 -d | grep -aoE '[0-9]{12}Z' | head -n 2 |
    sed -E 's/(..)(..)(..)(..)(..)(..)Z/20\1-\2-\3 \4:\5:\6/' | while read -r time; do date -u -d "$time" +%s; done
}

# When a host's certificate is to be renewed: with a third of its time left, with half of it if that is ten days or less.
due() {
  [ -s "certificates/$1.key" ] || { echo 0; return; }
  set -- $(span "certificates/$1.crt" 2>/dev/null)
  # None, or one that was being written when all ended.
  [ $# = 2 ] || { echo 0; return; }
  share=3
  [ $(($2 - $1)) -gt 864000 ] || share=2
  echo $(($2 - ($2 - $1) / share))
}

ask() {
  host=$1
  shift
  # An authority may have it wait for as long as it likes.
  timeout 120 "$lego" --accept-tos --email "$EMAIL" --server "$DIRECTORY" --path . --domains "$host" --key-type ec256 \
    --http --http.webroot webroot "$@" 2>&1
}

# One that has none yet: run. A key stays: nginx reads it and the certificate one after the other.
get() {
  if [ "$(due "$1")" = 0 ]; then ask "$1" run; else ask "$1" renew --days 100000 --no-random-sleep --reuse-key --ari-disable; fi
}

publish() {
  for kind in key crt; do
    [ ! -s "certificates/$1.$kind" ] || cmp -s "certificates/$1.$kind" "live/$1.$kind" ||
      { cp "certificates/$1.$kind" live/.new && mv live/.new "live/$1.$kind"; }
  done
}

# The next attempt after so many failures: after 1, 4, 16 and 64 minutes, or sooner if a certificate ends.
pause() {
  seconds=$((60 * (1 << (2 * ($1 < 5 ? $1 - 1 : 3)))))
  [ "$(due "$2")" = 0 ] || {
    left=$(($(span "certificates/$2.crt" | tail -n 1) - $(now)))
    [ $left -le 0 ] || [ $((left / 4)) -ge $seconds ] || seconds=$((left / 4 + 5))
  }
  echo $seconds
}

while :; do
  eager=$hurry hurry= next=$(($(now) + 43200))
  for host in $(cat hosts 2>/dev/null); do
    when=$(due "$host") failures=0
    [ ! -f "status/$host" ] || { read -r failures later words <"status/$host"; [ -n "$eager" ] || when=$later; }
    if [ "$when" -le "$(now)" ]; then
      if words=$(get "$host"); then
        rm -f "status/$host"
        echo "$host has a certificate."
        when=$(due "$host")
      else
        # An authority that has forgotten an account is asked for another one.
        case $words in *accountDoesNotExist*) rm -rf accounts ;; esac
        failures=$((failures + 1))
        when=$(($(now) + $(pause $failures "$host")))
        echo "$failures $when $(echo "$words" | tail -n 3 | tr '\n' ' ')" >status/.new && mv status/.new "status/$host"
        echo "$host has got no certificate: $words"
      fi
    fi
    publish "$host"
    [ "$when" -ge $next ] || next=$when
  done
  for file in live/* status/*; do
    host=${file#*/}
    host=${host%.crt} host=${host%.key}
    grep -qxF "$host" hosts 2>/dev/null || rm -f "$file"
  done
  [ -n "$hurry" ] || {
    seconds=$((next - $(now)))
    sleep $((seconds > 1 ? seconds : 1)) &
    wait $!
    kill $! 2>/dev/null
  }
done
