#!/bin/sh
# build.sh: the Debian packages, into build/deb: pgaf for amd64 and arm64 (or ARCHES),
# pgaf-pg-autoctl, and postgresql-NN-pgautofailover for each major version (or MAJORS).
# `make deb` calls it after `make build`.
set -eu
cd "$(dirname "$0")/../../.."
NFPM=v2.43.4 # the newest that Go's proxy has with all it needs
ARCHES=${ARCHES:-amd64 arm64}
MAJORS=${MAJORS:-13 14 15 16 17 18}
VERSION=${VERSION:-$(sed -n 's/^const version = "\(.*\)"/\1/p' cmd/pgaf/version.go)-1}
MAINTAINER=${MAINTAINER:-pgaf developers <pgaf@localhost>}
STAGE=build/deb/stage
# The same packages from the same source.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
umask 022
ARCH=all MAJOR=
pgaf=$PWD/bin/pgaf
rm -rf build/deb
mkdir -p "$STAGE"

# doc PACKAGE FOLDER: what every package has.
doc() {
    mkdir -p "$2/usr/share/doc/$1"
    cp LICENSE "$2/usr/share/doc/$1/copyright"
    gzip -9nc CHANGELOG.md >"$2/usr/share/doc/$1/changelog.gz"
}

# knows COMMAND...: whether this program has it.
knows() {
    $pgaf "$@" --help >/dev/null 2>&1
}

# What is the same for every architecture is made by the program of this machine.
common=$STAGE/common
mkdir -p "$common/usr/lib/systemd/system"
PG_AUTOCTL_DEBUG_BIN_PATH=/usr/bin/pgaf $pgaf show systemd --template >"$common/usr/lib/systemd/system/pgaf@.service"
if knows internal man; then
    mkdir -p "$common/usr/share/man/man1"
    $pgaf internal man "$common/usr/share/man/man1"
    gzip -9n "$common"/usr/share/man/man1/*
fi
if knows completion; then
    share=$common/usr/share
    mkdir -p "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d"
    $pgaf completion bash >"$share/bash-completion/completions/pgaf"
    $pgaf completion zsh >"$share/zsh/vendor-completions/_pgaf"
    $pgaf completion fish >"$share/fish/vendor_completions.d/pgaf.fish"
fi
doc pgaf "$common"
cp README.md docs/*.md "$common/usr/share/doc/pgaf/"

# The program is built once, and is in no go.mod.
nfpm=$PWD/build/cache/nfpm-$NFPM
if [ ! -x "$nfpm" ]; then
    mkdir -p build/cache
    GOBIN=$PWD/build/cache ${GO:-go} install "github.com/goreleaser/nfpm/v2/cmd/nfpm@$NFPM"
    mv build/cache/nfpm "$nfpm"
fi
pack() { # FILE
    sed -e "s|\${ARCH}|$ARCH|g; s|\${MAJOR}|$MAJOR|g; s|\${VERSION}|$VERSION|g; s|\${MAINTAINER}|$MAINTAINER|g; s|\${STAGE}|$STAGE|g" \
        "$1" >"$STAGE/package.yaml"
    "$nfpm" package --config "$STAGE/package.yaml" --packager deb --target build/deb/ >build/deb/nfpm.log 2>&1 ||
        { cat build/deb/nfpm.log >&2; exit 1; }
}

for ARCH in $ARCHES; do
    cp -r "$common" "$STAGE/pgaf-$ARCH"
    mkdir -p "$STAGE/pgaf-$ARCH/usr/bin"
    CGO_ENABLED=0 GOOS=linux GOARCH=$ARCH ${GO:-go} build -trimpath -ldflags '-s -w' -o "$STAGE/pgaf-$ARCH/usr/bin/pgaf" ./cmd/pgaf
    pack cmd/pgaf/package/pgaf.yaml
done

link=$STAGE/pgaf-pg-autoctl
doc pgaf-pg-autoctl "$link"
mkdir -p "$link/usr/bin"
ln -s pgaf "$link/usr/bin/pg_autoctl"
pack cmd/pgaf/package/pg-autoctl.yaml

for MAJOR in $MAJORS; do
    files=$STAGE/extension-$MAJOR
    doc "postgresql-$MAJOR-pgautofailover" "$files"
    mkdir -p "$files/usr/share/postgresql/$MAJOR/extension"
    cp pgautofailover.control build/pgautofailover--*.sql "$files/usr/share/postgresql/$MAJOR/extension/"
    pack cmd/pgaf/package/extension.yaml
done
rm -rf "$STAGE" build/deb/nfpm.log
ls build/deb/*.deb
