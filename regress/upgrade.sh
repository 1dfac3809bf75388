#!/bin/sh
# upgrade.sh: ALTER EXTENSION pgautofailover UPDATE from the 2.0 of Debian's package, on a private Postgres.
#
# The package is downloaded once (build/cache) and unpacked into a copy of the installed Postgres below /tmp; nothing is
# installed. A monitor of 2.0 with two formations and five nodes is updated; what it held is kept, its objects equal
# those of a new installation, and it carries a failover (regress/upgrade/*.sql). Exit code 0 when all is as expected,
# or when this Postgres has no such package: then it says so.
set -eu
cd "$(dirname "$0")/.."
pg_config=${PG_CONFIG:-pg_config}
bin=$($pg_config --bindir)
major=$($pg_config --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
package=postgresql-$major-auto-failover
port=${PGAF_UPGRADE_PORT:-7041}

skip() {
    echo "upgrade: skipped: $*"
    exit 0
}
fail() {
    echo "upgrade: FAILED: $*" >&2
    exit 1
}

deb=$(sh regress/package.sh "$package" 2.0 2>&1) || skip "$deb"

make -s --no-print-directory build/pgautofailover--3.0.sql
sed '/^-- @script@/r build/pgautofailover--3.0.sql' sql/upgrade/pgautofailover--2.0--3.0.sql >build/pgautofailover--2.0--3.0.sql

work=$(mktemp -d /tmp/pgaf-upgrade-XXXXXX)
as=
[ "$(id -u)" -ne 0 ] || as="runuser -u postgres --"
stop() {
    [ ! -f "$work/data/postmaster.pid" ] || (cd / && $as "$work/postgres$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1) || true
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

# A copy of Postgres whose library folder is its own, so that the C library of 2.0 can be in it.
sh regress/private-postgres.sh "$work/postgres"
lib=$($pg_config --pkglibdir)
extension=$work/postgres$($pg_config --sharedir)/extension
rm "$work/postgres$lib"
mkdir "$work/postgres$lib"
ln -s "$lib"/* "$work/postgres$lib/"
dpkg-deb -x "$deb" "$work/package"
cp "$work/package$lib/pgautofailover.so" "$work/postgres$lib/"
cp "$work/package$($pg_config --sharedir)"/extension/pgautofailover* "$extension/"

[ -z "$as" ] || chown -R postgres: "$work"
chmod 755 "$work"
(cd / && $as "$work/postgres$bin/initdb" -D "$work/data" -A trust -U postgres --no-locale -E UTF8 >"$work/initdb.log" 2>&1) || fail "$(cat "$work/initdb.log")"
cat >>"$work/data/postgresql.conf" <<CONF
port = $port
listen_addresses = ''
unix_socket_directories = '$work'
fsync = off
shared_preload_libraries = 'pgautofailover'
pgautofailover.enable_health_checks = off
CONF
start() {
    (cd / && $as "$work/postgres$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w "$1" >/dev/null) || fail "$(tail -n 20 "$work/data/log")"
}
sql() {
    PGOPTIONS='-c client_min_messages=warning' PGTZ=UTC psql -X -q -v ON_ERROR_STOP=1 -h "$work" -p "$port" -U postgres "$@"
}
start start
sql -d postgres -c 'CREATE DATABASE monitor'
sql -d monitor -o /dev/null -f regress/upgrade/before.sql
sql -d monitor -o "$work/kept.before" -f regress/upgrade/kept.sql
echo "upgrade: a monitor of $(sql -d monitor -At -c "SELECT extversion FROM pg_extension WHERE extname = 'pgautofailover'") with $(sql -d monitor -At -c 'SELECT count(*) FROM pgautofailover.formation') formations and $(sql -d monitor -At -c 'SELECT count(*) FROM pgautofailover.node') nodes"

# The files of 3.0 replace those of 2.0, as make install does.
cp pgautofailover.control build/pgautofailover--3.0.sql build/pgautofailover--2.0--3.0.sql "$extension/"

# A view of somebody else stops the update, and nothing is changed.
if sql -d monitor -c "ALTER EXTENSION pgautofailover UPDATE TO '3.0'" 2>"$work/refused"; then
    fail "the update dropped a view that is not its own"
fi
grep -q dashboard_nodes "$work/refused" || fail "the update was refused for another reason: $(cat "$work/refused")"
sql -d monitor -o "$work/kept.refused" -f regress/upgrade/kept.sql
diff "$work/kept.before" "$work/kept.refused" || fail "a refused update changed something"
sql -d monitor -c 'DROP VIEW public.dashboard_nodes'

sql -d monitor -c "ALTER EXTENSION pgautofailover UPDATE TO '3.0'"
sql -d monitor -o "$work/kept.after" -f regress/upgrade/kept.sql
diff "$work/kept.before" "$work/kept.after" || fail "formations, nodes or events are not what they were"
echo "upgrade: formations, nodes and events are kept"

# The same objects as in a new installation, once the grant of before.sql is taken back.
sql -d postgres -c 'CREATE DATABASE fresh'
sql -d fresh -c 'CREATE EXTENSION pgautofailover'
sql -d monitor -c 'BEGIN' -c 'REVOKE ALL ON ALL TABLES IN SCHEMA pgautofailover FROM dashboard' \
    -f regress/upgrade/objects.sql -c 'ROLLBACK' -o "$work/objects.updated"
sql -d fresh -o "$work/objects.fresh" -f regress/upgrade/objects.sql
diff "$work/objects.fresh" "$work/objects.updated" || fail "an updated monitor (>) is not what a new one (<) is"
echo "upgrade: $(wc -l <"$work/objects.fresh") lines about its objects equal those of a new installation"

# Without the C library, and without the extension that only 2.0 needed.
rm "$work/postgres$lib/pgautofailover.so"
sed -i "s/^shared_preload_libraries.*//" "$work/data/postgresql.conf"
start restart
sql -d monitor -c 'DROP EXTENSION btree_gist'
sql -d monitor -a -f regress/upgrade/after.sql >"$work/after.out" 2>&1 || fail "$(tail -n 5 "$work/after.out")"
if ! diff regress/upgrade/after.out "$work/after.out"; then
    mkdir -p results
    cp "$work/after.out" results/upgrade.out
    fail "the updated monitor decides otherwise (>) than expected (<); its transcript is results/upgrade.out"
fi
echo "upgrade: the updated monitor carries a failover"
