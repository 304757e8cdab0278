# Read by the scripts beside it: runs the end-to-end tests of one name in full, optimised and one after the other, and
# prints the figures they leave as a table.

measure() { # NAME HEADER
    figures=$(mktemp)
    trap 'rm -f "$figures" "$figures.log"' EXIT
    cargo test -q --release -p tidegate --test e2e --no-run
    printf '%s\n' "$2" >"$figures"
    verdict=0
    TIDEGATE_E2E_FULL=1 TIDEGATE_E2E_FIGURES=$figures \
        cargo test -q --release -p tidegate --test e2e "$1::" -- --test-threads=1 >"$figures.log" 2>&1 || verdict=$?
    # The tables first: what failed shows in them as well.
    column -t -s "$(printf '\t')" "$figures"
    if [ "$verdict" -ne 0 ]; then
        cat "$figures.log" >&2
        exit 1
    fi
}
