#!/bin/sh
# deb.sh: install, run, upgrade and remove the packages that `make deb` has built.
#
# As root, with dpkg itself, on this machine's file system, but on a copy: mount, process and network namespaces of its own,
# with /usr, /etc, /var and /tmp as overlays in memory. Whatever happens in there, a kill included, leaves nothing on the machine
# and touches no file, process or port of it. Exit code 0 when all is as expected, or where this cannot be done: then it says so.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin"
pg_config=${PG_CONFIG:-pg_config}
major=$($pg_config --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
arch=$(dpkg --print-architecture 2>/dev/null || echo none)

skip() {
    echo "deb: skipped: $*"
    exit 0
}
fail() {
    echo "deb: FAILED: $*" >&2
    exit 1
}
one() { # PATTERN: the one file that matches
    [ $# -eq 1 ] && [ -f "$1" ] || fail "expected one package, found: $*"
    echo "$1"
}

# The packages as files: fields, owners, permissions.
check_package() {
    deb=$1
    name=$2
    for field in Package Version Architecture Maintainer Description Section Priority Installed-Size; do
        [ -n "$(dpkg-deb -f "$deb" "$field")" ] || fail "$deb has no field $field"
    done
    [ "$(dpkg-deb -f "$deb" Package)" = "$name" ] || fail "$deb is not of package $name"
    strange=$(dpkg-deb -c "$deb" | awk '$2 != "root/root" || $1 !~ /^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--|l.........)$/')
    [ -z "$strange" ] || fail "$deb: owners or permissions: $strange"
    dpkg-deb -c "$deb" | grep "/usr/share/doc/$name/copyright" >/dev/null || fail "$deb has no copyright file"
}

# machine FILE: the ELF machine of a program.
machine() { od -An -tu2 -j18 -N2 "$1" | tr -d ' '; }

if [ "${1:-}" != inside ]; then
    command -v dpkg-deb >/dev/null || skip "no dpkg"
    for each in amd64:62 arm64:183; do
        deb=$(one build/deb/pgaf_*_"${each%:*}".deb)
        check_package "$deb" pgaf
        [ "$(dpkg-deb -f "$deb" Architecture)" = "${each%:*}" ] || fail "$deb is of another architecture"
        dpkg-deb --fsys-tarfile "$deb" | tar -xO ./usr/bin/pgaf >build/deb/head
        [ "$(machine build/deb/head)" = "${each#*:}" ] || fail "$deb holds a program of another machine"
        rm build/deb/head
    done
    check_package "$(one build/deb/pgaf-pg-autoctl_*_all.deb)" pgaf-pg-autoctl
    for deb in build/deb/postgresql-*.deb; do
        name=${deb##*/}
        check_package "$deb" "${name%%_*}"
    done
    echo "deb: fields, owners, permissions and machines of $(ls build/deb/*.deb | wc -l) packages are as they should be"

    [ "$(id -u)" -eq 0 ] || skip "installing packages needs root"
    [ -f "$(ls build/deb/pgaf_*_"$arch".deb 2>/dev/null)" ] || skip "there is no package for this machine ($arch)"
    dpkg -s "postgresql-$major" >/dev/null 2>&1 || skip "PostgreSQL $major is not installed from a package"
    unshare --mount --pid --net --fork --kill-child true 2>/dev/null || skip "no namespaces can be made here"
    exec unshare --mount --propagation private --pid --mount-proc --net --fork --kill-child sh regress/deb.sh inside
fi

# The copy of the file system.
layers=/mnt
mount -t tmpfs -o mode=755 tmpfs $layers
for top in usr etc var tmp; do
    mkdir -p "$layers/$top/upper" "$layers/$top/work"
    mount -t overlay overlay -o "lowerdir=/$top,upperdir=$layers/$top/upper,workdir=$layers/$top/work" "/$top" ||
        skip "no overlay file system here"
done
mount -t tmpfs -o mode=755 tmpfs /run # no socket of the machine's servers
mkdir -p /run/postgresql /run/lock
chown postgres: /run/postgresql
ip link set lo up
rm -f "$($pg_config --sharedir)"/extension/pgautofailover*

pgaf=$(one build/deb/pgaf_*_"$arch".deb)
link=$(one build/deb/pgaf-pg-autoctl_*_all.deb)
extension=$(one build/deb/postgresql-"$major"-pgautofailover_*_all.deb)
share=/usr/share/postgresql/$major/extension
# What a machine may be told to leave out of packages is installed here.
install() { dpkg -i --path-include='/usr/share/*' "$@" >"$layers/dpkg.log" 2>&1 || fail "$(cat "$layers/dpkg.log")"; }
known=$(dpkg -l | wc -l)

# files: everything in /usr, /etc and /var but caches and what dpkg writes about itself.
files() { find /usr /etc /var -xdev \( -path /var/lib/dpkg -o -path /var/cache -o -path /var/log \) -prune -o -print | sort; }
files >"$layers/before"

install "$pgaf" "$link" "$extension"
[ "$(command -v pgaf)" = /usr/bin/pgaf ] || fail "pgaf is not in the path"
pgaf version >"$layers/version"
pg_autoctl version | sed 's/pg_autoctl/pgaf/' | diff - "$layers/version" >&2 || fail "pg_autoctl is not pgaf"
dpkg --verify pgaf pgaf-pg-autoctl "postgresql-$major-pgautofailover" | grep . >&2 && fail "files are not as they were packed"
if bin/pgaf internal man --help >/dev/null 2>&1; then
    man -w pgaf >/dev/null || fail "man finds no page pgaf"
    bash -n /usr/share/bash-completion/completions/pgaf
fi
if command -v systemd-analyze >/dev/null; then
    complaints=$(systemd-analyze verify "pgaf@$(systemd-escape --path /var/lib/postgresql/test/node).service" 2>&1 | grep 'pgaf@' || true)
    [ -z "$complaints" ] || fail "the unit: $complaints"
else
    fail "systemd-analyze is missing: apt-get install systemd"
fi
echo "deb: installed $(head -n 1 "$layers/version"); the unit is a unit"

# A cluster of one node, by the installed program and extension.
test=/var/lib/postgresql/test
mkdir "$test"
chown postgres: "$test"
as() { (cd "$test" && runuser -u postgres -- "$@"); }
monitor=postgres://autoctl_node@127.0.0.1:6000/pg_auto_failover
local_options='--hostname 127.0.0.1 --auth trust --no-ssl'
# await COMMAND...: for programs that cannot wait by themselves.
await() {
    for _ in $(seq 300); do
        ! "$@" >"$layers/await" 2>&1 || return 0
        sleep 0.1
    done
    fail "$*: $(cat "$layers/await" "$layers"/*.log)"
}
as pgaf create monitor --pgdata monitor --pgport 6000 $local_options 2>"$layers/log" || fail "$(cat "$layers/log")"
as pgaf run --pgdata monitor >"$layers/monitor.log" 2>&1 &
await as pgaf status --pgdata monitor
as pgaf create postgres --pgdata node --name node --pgport 6010 $local_options --monitor $monitor 2>"$layers/log" || fail "$(cat "$layers/log" "$layers/monitor.log")"
as pgaf run --pgdata node >"$layers/node.log" 2>&1 &
await as pgaf status --pgdata node
await as sh -c "pgaf show state --monitor $monitor | grep -q 'single *| *single'"
[ "$(as psql -h /run/postgresql -p 6000 -d pg_auto_failover -Atc "SELECT extversion FROM pg_extension WHERE extname = 'pgautofailover'")" = "$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$share/pgautofailover.control")" ] ||
    fail "the monitor does not have the packaged extension"
as psql -h 127.0.0.1 -p 6010 -d postgres -qc 'CREATE TABLE t (i int)' || fail "the node does not take writes"

# An upgrade: the services are replaced in place, no Postgres is.
pids() { head -qn 1 $test/monitor/postmaster.pid $test/node/postmaster.pid /tmp/pgaf$test/monitor/pgaf.pid /tmp/pgaf$test/node/pgaf.pid; }
pids >"$layers/pids"
install "$pgaf"
grep -q '2 services are replaced by version' "$layers/dpkg.log" || fail "the services were not replaced: $(cat "$layers/dpkg.log")"
pids | diff "$layers/pids" - >&2 || fail "an upgrade restarted a service or Postgres"
for name in monitor node; do
    program=$(readlink "/proc/$(head -n 1 /tmp/pgaf$test/$name/pgaf.pid)/exe")
    [ "$program" = /usr/bin/pgaf ] || fail "after the upgrade the service of $name runs $program"
done
as psql -h 127.0.0.1 -p 6010 -d postgres -qc 'INSERT INTO t VALUES (1)' || fail "the node does not take writes after the upgrade"
echo "deb: a node and its monitor run from the packages; an upgrade replaced both services and restarted no Postgres"

# The packages go, the data stays.
as pgaf -q stop --pgdata node
as pgaf -q stop --pgdata monitor
wait
home=$(getent passwd postgres | cut -d: -f6)
dpkg -r pgaf-pg-autoctl pgaf "postgresql-$major-pgautofailover" >"$layers/dpkg.log" 2>&1 || fail "$(cat "$layers/dpkg.log")"
[ ! -e /usr/bin/pgaf ] && [ ! -L /usr/bin/pg_autoctl ] && [ -f /etc/default/pgaf ] || fail "dpkg -r removed too little or too much"
dpkg -P pgaf-pg-autoctl pgaf "postgresql-$major-pgautofailover" >"$layers/dpkg.log" 2>&1 || fail "$(cat "$layers/dpkg.log")"
[ -f $test/node/PG_VERSION ] && [ -f "$home/.config/pgaf$test/node/pgaf.cfg" ] || fail "data was removed with the packages"
rm -rf $test "$home/.config/pgaf" "$home/.local/share/pgaf"
rmdir "$home/.config" "$home/.local/share" "$home/.local" 2>/dev/null || true
files | diff "$layers/before" - >&2 || fail "files were left behind"
[ "$(dpkg -l | wc -l)" -eq "$known" ] || fail "dpkg still knows the packages"
echo "deb: removed and purged: nothing is left but the data"
