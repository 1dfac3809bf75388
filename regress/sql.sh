#!/bin/sh
# sql.sh: the extension's own tests, on a private Postgres that nothing else uses.
#
# regress/schedule names the pg_regress tests (regress/sql, regress/expected), and
# regress/isolation_schedule those of pg_isolation_regress (regress/specs). The
# extension is installed into a relocated copy of Postgres below /tmp, so neither
# rights nor traces in the installed one are needed. regress/postgresql.conf, if
# there, is added to the server's settings. Differences are left in results/sql.
# TESTS="name …" runs only these, in the order of the schedules.
set -eu
cd "$(dirname "$0")/.."
pg_config=${PG_CONFIG:-pg_config}
tests=$(dirname "$($pg_config --pgxs)")/../test

fail() {
    echo "test-sql: $*" >&2
    exit 1
}
[ -f regress/schedule ] || fail "regress/schedule is missing"
[ -x "$tests/regress/pg_regress" ] || fail "no pg_regress in $tests/regress: install PostgreSQL's development files (make deps)"

work=$(mktemp -d /tmp/pgaf-sql-XXXXXX)
trap 'rm -rf "$work"' EXIT
for name in ${TESTS-}; do
    grep -qx "test: $name" regress/schedule regress/isolation_schedule || fail "no test \"$name\" in regress/schedule or regress/isolation_schedule"
done
trap 'exit 130' INT TERM
sh regress/private-postgres.sh "$work/postgres"
make --no-print-directory -s PGXS_PART=1 PG_CONFIG="$pg_config" DESTDIR="$work/postgres" install >/dev/null
cp -r regress/sql regress/expected regress/schedule "$work/"
for optional in regress/specs regress/isolation_schedule regress/postgresql.conf; do
    [ ! -e "$optional" ] || cp -r "$optional" "$work/"
done

# Postgres refuses to run as root.
as=
if [ "$(id -u)" -eq 0 ]; then
    chown -R postgres: "$work"
    as="runuser -u postgres --"
fi
chmod 755 "$work"

# suite NAME PROGRAM SCHEDULE: one temporary server, one schedule.
suite() {
    name=$1 program=$2 schedule=$3
    if [ -n "${TESTS-}" ]; then
        chosen=$(printf 'test: %s\n' $TESTS | grep -Fx -f - "$schedule") || return 0
        echo "$chosen" >"$schedule"
    fi
    count=$(grep -c '^test:' "$schedule" || true)
    [ "$count" -gt 0 ] || fail "$schedule names no test (lines 'test: name')"
    set -- --temp-instance="$work/instance-$name" --bindir="$work/postgres$($pg_config --bindir)" \
        --inputdir="$work" --outputdir="$work/out-$name" --schedule="$schedule" --dbname="pgaf_$name" \
        --no-locale --encoding=UTF8
    [ ! -f "$work/postgresql.conf" ] || set -- "$@" --temp-config="$work/postgresql.conf"
    $as mkdir "$work/out-$name"
    if ! (cd "$work" && $as env PATH="$work/postgres$($pg_config --bindir):$PATH" "$program" "$@"); then
        rm -rf "results/sql/$name"
        mkdir -p "results/sql"
        cp -r "$work/out-$name" "results/sql/$name"
        [ ! -f "results/sql/$name/regression.diffs" ] || cat "results/sql/$name/regression.diffs"
        failed=1
    fi
}

failed=0
suite regress "$tests/regress/pg_regress" "$work/schedule"
if [ -f regress/isolation_schedule ]; then
    suite isolation "$tests/isolation/pg_isolation_regress" "$work/isolation_schedule"
elif [ -n "$(ls regress/specs/*.spec 2>/dev/null)" ]; then
    fail "regress/specs has specs, but regress/isolation_schedule is missing"
else
    echo "test-sql: there are no isolation specs (regress/specs)"
fi
exit $failed
