#!/bin/sh
# gauges.sh RELEASE HISTORY LOG SECONDS: writes to the log of metrics what no request tells, every so many seconds: which
# configuration there is, how many backends each app is to have and how many answer as they should, the days that certificates have
# left, and how the last change went. RELEASE: the folder of the one that runs; its log.txt names servers and certificates.
set -u
release=$1 history=$2 log=$3 seconds=$4

# What each backend answers: APP STATUS.
ask() {
  awk '
    function quoted(text) { gsub(/["\\]/, "\\\\&", text); return "\"" text "\"" }
    /^server / && $6 > 0 {
      print (asked++ ? "next\n" : "") "url = " quoted("http://" $4 ":" $5 $8) "\nheader = " quoted("Host: " $7)
      print "write-out = \"" $3 " %{http_code}\\n\"\noutput = /dev/null\nmax-time = 2\npath-as-is\ngloboff"
    }' log.txt | curl --silent --parallel --parallel-immediate --parallel-max 100 --config -
}

backends() {
  ask 2>/dev/null | awk '
    FNR == NR && /^server / && $6 > 0 { wanted[$3]++ }
    FNR != NR && $2 == 200 { healthy[$1]++ }
    END {
      for (app in wanted) {
        name = app == "-" ? "" : app
        printf "g|backends_wanted|%s|%d\ng|backends_healthy|%s|%d\n", name, wanted[app], name, healthy[app]
      }
    }' log.txt -
}

# Of several for a host, that which ends first.
certificates() {
  while read -r kind host file; do
    [ "$kind" = certificate ] || continue
    end=$(openssl x509 -noout -enddate -in "$file" 2>/dev/null) && end=$(date -d "${end#*=}" +%s) || continue
    echo "$host $((end - $(date +%s)))"
  done <log.txt | sort -k 1,1 -k 2,2n | awk '!seen[$1]++ { printf "g|certificate_days|%s|%.2f\n", $1, $2 / 86400 }'
}

# Its history has a line of JSON for each.
change() {
  line=$(tail -n 1 "$history" 2>/dev/null) || return 0
  first() { printf '%s' "$line" | grep -o "$1" | head -n 1; }
  at=$(first '"at":"[^"]*"' | cut -d '"' -f 4)
  result=$(first '"result":"[a-z ]*"' | cut -d '"' -f 4)
  [ "$at" ] && [ "$result" ] || return 0
  took=$(first '"seconds":{[^}]*}' | grep -o ':[0-9.]*' | awk -F : '{ sum += $2 } END { printf "%.3f", sum }')
  echo "g|change_seconds|$result|$took"
  echo "g|change_time||$(date -d "$at" +%s)"
}

round=0
while :; do
  # Another one may run by now.
  if cd "$release" 2>/dev/null && grep -q '^log metrics ' log.txt 2>/dev/null; then
    {
      echo "g|configuration|$(basename "$(pwd -P)")|1"
      backends
      change
      # A hundred take a second.
      [ $((round % 6)) != 0 ] || certificates
    } >>"$log"
    round=$((round + 1))
  fi
  sleep "$seconds"
done
