#!/bin/sh
# Builds a stand-in for an official base image from Debian packages, where an image registry is out of reach.
# Usage: build.sh python|nginx|debian|lego|metrics IMAGE   (as root; needs debootstrap and a Docker engine)
set -eu
# Containers have users of their own.
umask 022

kind=${1:?python, nginx, debian, lego or metrics} image=${2:?image name}
suite=forky
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
ca_bundle=/etc/ssl/certs/ca-certificates.crt

case $kind in
  python) packages=python3-minimal,python3-pip,ca-certificates ;;
  # With s6, which the images that are built from them install where they can.
  nginx) packages=nginx-light,s6,curl,ca-certificates ;;
  debian) packages=s6,ca-certificates ;;
  lego) packages=lego ;;
  metrics) packages=mtail,prometheus-nginx-exporter,ca-certificates ;;
  *) echo "build.sh: got '$kind', allowed are python, nginx, debian, lego and metrics" >&2; exit 2 ;;
esac

work=$(mktemp -d "${TMPDIR:-/var/tmp}/base-image.XXXXXX")
root=$work/root
# debootstrap mounts these in the new root; an interrupted one leaves them there.
cleanup() {
  umount "$root/proc" "$root/sys" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# Older releases of debootstrap don't know the suite by name; all recent suites share sid's script.
debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" /usr/share/debootstrap/scripts/sid

# A company's own certificate authority has to be known inside builds too.
if [ -f "$ca_bundle" ]; then cp "$ca_bundle" "$root$ca_bundle"; fi

prepare_python() {
  ln -sf python3 "$root/usr/bin/python"
  # The official image's pip installs system-wide; Debian's refuses as long as this marker is there.
  rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
  index=$(pip3 config get global.index-url 2>/dev/null || true)
  { echo '[global]'; echo "cert = $ca_bundle"; [ -z "$index" ] || echo "index-url = $index"; } > "$root/etc/pip.conf"
}

prepare_nginx() {
  rm -f "$root"/etc/nginx/sites-enabled/default
  # As in the official image: user nginx with id 101, and logs to the container's output.
  chroot "$root" useradd --system --uid 101 --user-group --no-create-home --shell /usr/sbin/nologin nginx
  ln -sf /dev/stdout "$root/var/log/nginx/access.log"
  ln -sf /dev/stderr "$root/var/log/nginx/error.log"
}

prepare_debian() { :; }

prepare_lego() {
  # Where the official image has it.
  ln -s usr/bin/lego "$root/lego"
  chroot "$root" /lego --version
}

prepare_metrics() {
  # Its name in the official image.
  ln -s prometheus-nginx-exporter "$root/usr/bin/nginx-prometheus-exporter"
}

"prepare_$kind"

case $kind in
  python) set -- --change 'CMD ["python3"]' ;;
  nginx) set -- --change 'CMD ["nginx", "-g", "daemon off;"]' --change 'EXPOSE 80' ;;
  debian) set -- --change 'CMD ["bash"]' ;;
  lego) set -- --change 'ENTRYPOINT ["/lego"]' ;;
  metrics) set -- --change 'ENTRYPOINT ["/usr/bin/nginx-prometheus-exporter"]' ;;
esac
description="Stand-in for the official $kind image, built from Debian $suite packages"
tar -C "$root" --numeric-owner -c \
  --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
  --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./var/log/*.log' \
  --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' . |
  docker import --message "$description" \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' --change 'ENV LANG=C.UTF-8' \
    --change "LABEL org.opencontainers.image.description=\"$description\"" "$@" - "$image"
