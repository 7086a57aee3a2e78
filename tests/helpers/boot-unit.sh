#!/bin/sh
# boot-unit.sh GATEWAYCTL ENV: installs, shows and removes the unit as if systemd ran. Run it by `unshare --mount`, so that
# nothing of the host changes. The real systemctl enables and disables, offline.
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
mount -t tmpfs tmpfs /etc/systemd/system
export SYSTEMD_OFFLINE=1
"$1" boot install "$2"
"$1" boot status "$2"
find /etc/systemd/system ! -type d | sort
"$1" boot remove "$2"
find /etc/systemd/system ! -type d | sort
"$1" boot status "$2"
