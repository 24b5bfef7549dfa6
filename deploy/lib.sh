# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# lib.sh: what deploy/demo and the tests share: messages, steps, the build, and a private PostgreSQL
# cluster. To be sourced, with PROGRAM (for messages) and SOURCE (the top of the source) set.
#
# The cluster listens on a unix socket only; its port is just a part of the socket's name.

POSTGRES=/usr/lib/postgresql/15/bin
DATABASE_PORT=54329

# What the caller's environment says of other databases and secrets is not for ours.
for variable in $(env | sed -n 's/^\(PG[A-Z]*\)=.*/\1/p') DATABASE_URL DATABASE_ADMIN_URL \
    BETTER_AUTH_SECRET JWT_SECRET JWT_SECRET_KEY SECRET_KEY; do
    unset "$variable" "${variable}_FILE"
done

die() {
    echo "$PROGRAM: $*" >&2
    exit 1
}

# step LOG TITLE COMMAND...: runs COMMAND (under set -e, in a subshell) with its output in LOG.
step() {
    step_log=$1
    printf '%s: %-34s' "$PROGRAM" "$2"
    shift 2
    started=$(date +%s)
    set +e
    (
        set -e
        "$@"
    ) >"$step_log" 2>&1
    step_status=$?
    set -e
    if [ $step_status -ne 0 ]; then
        echo 'failed'
        tail -n 30 "$step_log" >&2
        die "this failed: $*; the whole output is in $step_log"
    fi
    echo "done, $(($(date +%s) - started)) s"
}

# wait_until SECONDS COMMAND...: tries it until it succeeds.
wait_until() {
    tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

# ---- packages

# need_packages SECTIONS NO_INSTALL LOG: they are all there, or installed, or we end.
need_packages() {
    # shellcheck disable=SC2086 # one word a section
    missing=$("$SOURCE/deploy/install-packages" --missing $1)
    [ -n "$missing" ] || return 0
    [ -z "$2" ] || die "missing packages (--no-install was given): $missing"
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "no root and no sudo: have root install $missing"
        sudo=sudo
    fi
    echo "$PROGRAM: missing packages: $missing"
    # shellcheck disable=SC2086 # one word a section
    step "$3" 'installing them' $sudo "$SOURCE/deploy/install-packages" $1
}

# ---- the build

configure_is_current() {
    [ -x "$SOURCE/configure" ] &&
        [ -z "$(find "$SOURCE/configure.ac" "$SOURCE/Makefile.am" "$SOURCE/m4" -newer "$SOURCE/configure")" ]
}

# ./configure belongs to whom the source belongs to, also when root makes it.
bootstrap() {
    owner=$(stat -c %U "$SOURCE")
    if [ "$(id -u)" -eq 0 ] && [ "$owner" != root ] && id "$owner" >/dev/null 2>&1; then
        runuser -u "$owner" -- "$SOURCE/bootstrap"
    else
        "$SOURCE/bootstrap"
    fi
}

# Two of us may start at once: the second waits and finds it done.
bootstrap_if_needed() {
    (
        flock 8
        configure_is_current || bootstrap
    ) 8<"$SOURCE"
}

# configure_build DIR OPTIONS...: unless DIR is configured with just these options.
configure_build() {
    build=$1
    shift
    bootstrap_if_needed
    mkdir -p "$build"
    cd "$build"
    [ -f Makefile ] && [ "$(cat options 2>/dev/null)" = "$SOURCE $*" ] && return
    "$SOURCE/configure" "$@"
    echo "$SOURCE $*" >options
}

# ---- the database, in a directory of its own: data, socket, log, secrets

# PostgreSQL refuses to run as root.
database_user() {
    if [ "$(id -u)" -eq 0 ]; then echo postgres; else id -un; fi
}

as_database() {
    if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

random_hex() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# database_create DIR: once; the passwords are made up, and stand in DIR/secrets.
database_create() {
    [ ! -d "$1/data" ] || return 0
    mkdir -p "$1"
    cd "$1"
    chown "$(database_user)" .
    chmod 755 .
    (
        umask 077
        printf 'ADMIN_PASSWORD=%s\nAPP_PASSWORD=%s\n' "$(random_hex)" "$(random_hex)" >secrets
        sed -n 's/^ADMIN_PASSWORD=//p' secrets >password
    )
    chown "$(database_user)" password
    rm -rf data.new
    as_database env LC_ALL=C.UTF-8 "$POSTGRES/initdb" -D data.new -U postgres -E UTF8 \
        --auth=scram-sha-256 --pwfile=password
    rm password
    mv data.new data
}

# database_start DIR OPTIONS...: OPTIONS are PostgreSQL's, each "-c NAME=VALUE" in one word.
database_start() {
    database=$1
    shift
    cd "$database"
    as_database "$POSTGRES/pg_ctl" -D "$database/data" -l "$database/log" -w -t 60 -s \
        -o "-c listen_addresses='' -k '$database' -p $DATABASE_PORT $*" start
}

# database_stop DIR [MODE]
database_stop() {
    (cd "$1" && as_database "$POSTGRES/pg_ctl" -D "$1/data" -m "${2-fast}" -w -t 60 -s stop)
}

database_is_running() {
    [ -d "$1/data" ] && (cd "$1" && as_database "$POSTGRES/pg_ctl" -D "$1/data" status) >/dev/null
}

# database_url DIR ROLE [DATABASE]: DIR holds no character that a URL would need to escape.
database_url() {
    case $2 in
    postgres) password=$(sed -n 's/^ADMIN_PASSWORD=//p' "$1/secrets") ;;
    *) password=$(sed -n 's/^APP_PASSWORD=//p' "$1/secrets") ;;
    esac
    echo "postgresql://$2:$password@/${3-todo}?host=$1&port=$DATABASE_PORT"
}

# database_sql DIR DATABASE: statements from standard input, as the administrator.
database_sql() {
    "$POSTGRES/psql" -XAtq -v ON_ERROR_STOP=1 "$(database_url "$1" postgres "$2")"
}

# database_migrate DIR COMMAND...: makes the database, and the schema by COMMAND; idempotent.
database_migrate() {
    database=$1
    shift
    [ -n "$(echo "SELECT 1 FROM pg_database WHERE datname = 'todo'" | database_sql "$database" postgres)" ] ||
        echo 'CREATE DATABASE todo' | database_sql "$database" postgres
    DATABASE_URL=$(database_url "$database" postgres) "$@"
    sed -n "s/^APP_PASSWORD=\(.*\)/ALTER ROLE todo_app PASSWORD '\1'/p" "$database/secrets" |
        database_sql "$database" todo
}
