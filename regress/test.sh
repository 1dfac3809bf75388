#!/bin/sh
# test.sh MAKE TARGET...: run the targets one after the other, all of them whatever
# fails, and print a summary, with what was skipped. The exit code is 0 when all passed.
set -u
make=$1
shift
start=$(date +%s)
summary=
failed=0
log=$(mktemp)
# Each killed Postgres whose folder is removed leaves a piece of System V shared memory, of which a machine has some
# thousands only. Those of an IPC namespace end with it.
apart=
unshare --ipc true 2>/dev/null && apart='unshare --ipc'
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM
for target; do
    printf '\n=== make %s\n' "$target"
    begin=$(date +%s)
    result=ok
    run=$apart
    [ "$target" != deps ] || run= # what it installs stays
    { $run $make --no-print-directory "$target" 2>&1 || echo "test.sh: $target failed"; } | tee "$log"
    if tail -n 1 "$log" | grep -q "^test.sh: $target failed"; then
        result=FAILED
        failed=1
    fi
    summary="$summary$(printf '%-14s %-8s %4d s' "$target" "$result" $(($(date +%s) - begin)))
"
    skipped=$(grep -E ': skipped: |^ *--- SKIP' "$log" | sed 's/^ */    /')
    [ -z "$skipped" ] || summary="$summary$skipped
"
    # Without Postgres or Go nothing else can run.
    if [ "$target" = deps ] && [ $failed -ne 0 ]; then
        summary="${summary}the others did not run
"
        break
    fi
done
printf '\n=== summary\n%s%-14s %-8s %4d s\n' "$summary" total "$([ $failed -eq 0 ] && echo ok || echo FAILED)" $(($(date +%s) - start))
exit $failed
