#!/bin/sh
# private-postgres.sh DIR: make a relocated copy of the installed PostgreSQL below DIR.
#
# Postgres finds its share and library folders relative to its own executable, so a
# copy of the programs in the same layout is a second installation. Programs are
# copied (about 15 MB); libraries and shared files are links, except the folder of
# extensions, which is a real folder of links: extensions can be added there without
# touching, or needing rights on, the installed one. pgautofailover itself is left
# out, so that a test never meets an installed older copy.
#
# $PG_CONFIG names the installation (default: pg_config in PATH).
# DIR/pg_config is a link to the copy's pg_config.
set -eu
dir=${1:?usage: private-postgres.sh DIR}
pg_config=${PG_CONFIG:-pg_config}
bin=$($pg_config --bindir)
share=$($pg_config --sharedir)
lib=$($pg_config --pkglibdir)
case $bin in # a program folder inside the linked one could not be a real folder
"$lib"/*)
    echo "private-postgres.sh: cannot relocate $bin, which is below $lib" >&2
    exit 1
    ;;
esac

mkdir -p "$dir$bin" "$dir$share/extension" "$(dirname "$dir$lib")"
cp -L "$bin"/* "$dir$bin/"
[ -e "$dir$lib" ] || ln -s "$lib" "$dir$lib"
for file in "$share"/*; do
    [ "$file" = "$share/extension" ] || ln -sf "$file" "$dir$share/"
done
for file in "$share"/extension/*; do
    case ${file##*/} in
    pgautofailover*) ;;
    *) ln -sf "$file" "$dir$share/extension/" ;;
    esac
done
ln -sf "$dir$bin/pg_config" "$dir/pg_config"
