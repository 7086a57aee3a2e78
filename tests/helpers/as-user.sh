#!/bin/sh
# as-user.sh UMASK HOME CACHE SOCKET GROUP COMMAND...: runs a command as the user `daemon` in the group that may use the
# socket. The caller's cache and socket, which that user may not be able to reach, are mounted into its home.
set -eu
umask=$1 home=$2 cache=$3 socket=$4 group=$5
shift 5
mkdir -p "$home/.cache/taxlien-gateway"
touch "$home/docker.sock"
mount --bind "$cache" "$home/.cache/taxlien-gateway"
mount --bind "$socket" "$home/docker.sock"
umask "$umask"
exec setpriv --reuid=1 --regid=1 --groups="$group" --no-new-privs -- "$@"
