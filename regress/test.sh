#!/bin/sh
# test.sh MAKE TARGET...: run the targets one after the other, all of them whatever
# fails, and print a summary. The exit code is 0 when all passed.
set -u
make=$1
shift
start=$(date +%s)
summary=
failed=0
for target; do
    printf '\n=== make %s\n' "$target"
    begin=$(date +%s)
    if $make --no-print-directory "$target"; then
        result=ok
    else
        result=FAILED
        failed=1
    fi
    summary="$summary$(printf '%-14s %-8s %4d s' "$target" "$result" $(($(date +%s) - begin)))
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
