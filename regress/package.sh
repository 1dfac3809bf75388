#!/bin/sh
# package.sh NAME VERSION: the path of Debian's package NAME of that version, downloaded once into build/cache. Nothing is
# installed. Exit code 3, with the reason on stderr, when it cannot be had.
set -eu
cd "$(dirname "$0")/.."
name=$1
version=$2

mkdir -p build/cache
cached() {
    find "$PWD/build/cache" -name "${name}_$version-*.deb" | sort | head -n 1
}
deb=$(cached)
if [ -z "$deb" ]; then
    command -v apt-get >/dev/null || { echo "no apt-get to download $name with" >&2; exit 3; }
    (cd build/cache && apt-get download "$name") >"build/cache/$name.log" 2>&1 ||
        { echo "$name cannot be downloaded: $(tail -n 1 "build/cache/$name.log")" >&2; exit 3; }
    deb=$(cached)
    [ -n "$deb" ] || { echo "$name is not of version $version" >&2; exit 3; }
fi
echo "$deb"
