#!/bin/sh
# second-engine.sh ROOT HOME: makes what a Docker engine of its own sees, in this process's mount namespace, and holds it until it
# is ended. Its programs are those of ROOT; what it writes is on the image HOME/data.img, in memory, and in HOME/run.
set -eu
root=$1 home=$2
mount --bind "$root" "$home/root"
cd "$home/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir run/old run/data run/engine run/docker run/containerd
mount --bind "$(readlink -f /etc/resolv.conf)" etc/resolv.conf
mount --bind "$home/run" run/engine
mount -o loop "$home/data.img" run/data
# Of its own, so that a reboot can empty them.
mount -t tmpfs tmpfs run/docker
mount -t tmpfs tmpfs run/containerd
# runc refuses a chroot.
pivot_root . run/old
umount -l /run/old
touch /run/engine/ready
exec sleep infinity
