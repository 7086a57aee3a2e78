#!/bin/sh
# Stand-in for the official image's entry point: `[redis-server] [CONFIG] [--OPTION VALUE]...` or any other command.
set -e
case ${1:-} in
  '' | -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis:redis {} +
  exec /usr/bin/setpriv --reuid=999 --regid=1000 --clear-groups -- "$0" "$@"
fi
# Only Redis may read what it writes.
[ "$(umask)" != 0022 ] || umask 0077
exec "$@"
