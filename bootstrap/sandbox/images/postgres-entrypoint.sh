#!/bin/bash
# Stand-in for the official image's entry point: `[postgres] [-c NAME=VALUE]...` or any other command.
set -Eeuo pipefail

fail() {
  printf 'docker-entrypoint: %s\n' "$1" >&2
  exit 1
}

# NAME from the environment, or from the file that NAME_FILE names.
setting() {
  local name=$1 default=${2:-} file_name=${1}_FILE value
  if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
    fail "$name and $file_name are both set; set one of them"
  fi
  value=${!name:-$default}
  if [ -n "${!file_name:-}" ]; then
    [ -r "${!file_name}" ] || fail "$file_name: ${!file_name} is not readable by uid $(id -u)"
    value=$(<"${!file_name}")
  fi
  printf -v "$name" %s "$value"
  unset "$file_name"
}

prepare_directories() {
  mkdir -p "$PGDATA" /var/run/postgresql 2>/dev/null || true
  chmod 0700 "$PGDATA" 2>/dev/null || true
  if [ "$(id -u)" = 0 ]; then
    find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres:postgres {} +
  fi
}

sql() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password "$@"; }

create_cluster() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    fail 'no password for the superuser. Set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE to one that is not empty.'
  fi
  local arguments=()
  if [ -n "$POSTGRES_INITDB_ARGS" ]; then
    # xargs splits as a shell does, without running anything.
    mapfile -t arguments < <(printf %s "$POSTGRES_INITDB_ARGS" | xargs -n 1 printf '%s\n')
  fi
  if [ -n "$POSTGRES_PASSWORD" ]; then arguments+=(--pwfile=/dev/stdin); fi
  initdb --username="$POSTGRES_USER" -D "$PGDATA" ${arguments[@]+"${arguments[@]}"} <<<"$POSTGRES_PASSWORD"
}

# initdb's own rules stay: they trust socket and loopback unless its arguments say otherwise.
add_host_rule() {
  local encryption
  encryption=$(postgres -C password_encryption "$@")
  : "${POSTGRES_HOST_AUTH_METHOD:=$encryption}"
  {
    printf '\n'
    if [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then
      printf '# warning: every connection is trusted\n'
    fi
    printf 'host all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD"
  } >>"$PGDATA/pg_hba.conf"
}

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh)
        printf 'docker-entrypoint: running %s\n' "$file"
        # shellcheck source=/dev/null
        if [ -x "$file" ]; then "$file"; else . "$file"; fi
        ;;
      *.sql) printf 'docker-entrypoint: running %s\n' "$file" && sql --dbname "$POSTGRES_DB" <"$file" ;;
      *.sql.gz) printf 'docker-entrypoint: running %s\n' "$file" && gunzip -c "$file" | sql --dbname "$POSTGRES_DB" ;;
      /docker-entrypoint-initdb.d/\*) ;;
      *) printf 'docker-entrypoint: ignoring %s\n' "$file" ;;
    esac
  done
}

# During the setup the server listens on its socket only, so that no client takes it for ready.
initialise() {
  create_cluster
  add_host_rule "$@"
  pg_ctl -D "$PGDATA" -o "$(printf '%q ' "$@" -c listen_addresses=)" -w start
  # The socket needs the password only if the arguments of initdb say so; set in both cases.
  PGPASSWORD=$POSTGRES_PASSWORD
  export PGPASSWORD
  if [ "$POSTGRES_DB" != postgres ]; then
    printf 'CREATE DATABASE "%s";\n' "${POSTGRES_DB//\"/\"\"}" | sql --dbname postgres
  fi
  export POSTGRES_USER POSTGRES_DB POSTGRES_PASSWORD
  run_init_files
  unset PGPASSWORD
  pg_ctl -D "$PGDATA" -m fast -w stop
  printf 'docker-entrypoint: first start is set up\n'
}

case ${1:-} in
  '' | -*) set -- postgres "$@" ;;
esac

if [ "$1" = postgres ]; then
  prepare_directories
  if [ "$(id -u)" = 0 ]; then
    exec /usr/bin/setpriv --reuid=70 --regid=70 --clear-groups -- "${BASH_SOURCE[0]}" "$@"
  fi
  # The default here is /tmp, of the official binaries this directory. First, so that an argument can override it.
  set -- postgres -c unix_socket_directories=/var/run/postgresql "${@:2}"
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    setting POSTGRES_USER postgres
    setting POSTGRES_PASSWORD
    setting POSTGRES_DB "$POSTGRES_USER"
    setting POSTGRES_INITDB_ARGS
    setting POSTGRES_HOST_AUTH_METHOD
    initialise "${@:2}"
  fi
fi
unset POSTGRES_PASSWORD
exec "$@"
