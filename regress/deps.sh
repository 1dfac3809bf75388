#!/bin/sh
# deps.sh: install what building, the demo and the tests need and this machine lacks.
# deps.sh demo: only what the demo needs, which are far smaller packages.
# deps.sh go: only check that there is a Go that can build this.
#
# Silent when nothing is missing. Packages are installed with apt-get as root or with
# sudo; elsewhere the message says what to install.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "pgaf: $*" >&2
    exit 1
}

need_go=$(sed -n 's/^go //p' go.mod)
command -v go >/dev/null || fail "Go is not installed; install Go $need_go or newer (https://go.dev/dl)"
# A Go since 1.21 fetches the version that go.mod asks for by itself.
go version >/dev/null 2>&1 || fail "$(go version 2>&1)
install Go $need_go or newer (https://go.dev/dl)"
[ "${1:-}" != go ] || exit 0

apt_updated=
install_packages() {
    what=$1
    shift
    if ! command -v apt-get >/dev/null; then
        fail "$what is missing and there is no apt-get; install the equivalent of: $*"
    fi
    sudo=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
            fail "$what is missing; as root: apt-get install $*"
        sudo=sudo
    fi
    echo "pgaf: $what is missing; apt-get install $*"
    log=$(mktemp)
    if [ -z "$apt_updated" ]; then
        $sudo apt-get update >"$log" 2>&1 || fail "apt-get update failed: $(tail -n 5 "$log")"
        apt_updated=1
    fi
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
        fail "apt-get install $* failed: $(tail -n 5 "$log")"
    rm -f "$log"
}

# The newest installed Postgres, or the one that PG_CONFIG selects.
find_config() {
    config=$(command -v "${PG_CONFIG:-pg_config}" || true)
    if [ -z "$config" ] || [ ! -x "$($config --bindir)/postgres" ]; then
        config=$(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -V | tail -n 1)
    fi
}

if ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
    find_config
    if [ -z "$config" ] || [ ! -x "$($config --bindir)/postgres" ]; then
        install_packages PostgreSQL postgresql postgresql-contrib
    fi
fi
find_config
[ -n "$config" ] || fail "PostgreSQL's pg_config is not found: set PG_CONFIG"
pgxs=$($config --pgxs)
if [ "${1:-}" != demo ] && { [ ! -f "$pgxs" ] || [ ! -x "$(dirname "$pgxs")/../test/regress/pg_regress" ]; }; then
    major=$($config --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
    install_packages "PGXS or pg_regress (PostgreSQL's development files)" "postgresql-server-dev-$major"
fi
major=$($config --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
[ "$major" -ge 13 ] || fail "$config is of PostgreSQL $major; pgaf needs 13 or newer: set PG_CONFIG"
command -v psql >/dev/null || install_packages psql "postgresql-client-$major"
[ "${1:-}" != demo ] || exit 0
command -v ip >/dev/null || PATH=$PATH:/usr/sbin:/sbin command -v ip >/dev/null || install_packages ip iproute2
# What completion, man pages and certificates are tested with.
for program in zsh fish mandoc openssl; do
    command -v $program >/dev/null || install_packages $program $program
done
# To verify units with; where it is missing on a system without apt those tests say so.
command -v systemd-analyze >/dev/null || ! command -v apt-get >/dev/null || install_packages systemd-analyze systemd
