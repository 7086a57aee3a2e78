#!/bin/sh
# as-user.sh HOME CACHE SOCKET GROUP COMMAND...: runs a command as the user `daemon` in the group that may use the
# socket. Cache and socket of the caller, which may lie where that user cannot go, are mounted into its home.
set -eu
home=$1 cache=$2 socket=$3 group=$4
shift 4
mkdir -p "$home/.cache/taxlien-gateway"
touch "$home/docker.sock"
mount --bind "$cache" "$home/.cache/taxlien-gateway"
mount --bind "$socket" "$home/docker.sock"
exec setpriv --reuid=1 --regid=1 --groups="$group" --no-new-privs -- "$@"
