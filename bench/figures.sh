# Read by the scripts beside it: runs the end-to-end tests of one name in full, optimised and one after the other, and
# prints the figures they leave as a table. Returns 1 where a figure is not within what was promised.

measure() { # NAME HEADER [OPTION OF THE TESTS ...]
    name=$1 header=$2
    shift 2
    figures=$(mktemp)
    trap 'rm -f "$figures" "$figures.log"' EXIT
    cargo test -q --release -p tidegate --test e2e --no-run || return 1
    echo "load of the machine before: $(cut -d' ' -f1-3 /proc/loadavg), processors: $(nproc)"
    printf "%s\n" "$header" >"$figures"
    if TIDEGATE_E2E_FULL=1 TIDEGATE_E2E_FIGURES=$figures \
        cargo test -q --release -p tidegate --test e2e "$name::" -- --test-threads=1 "$@" >"$figures.log" 2>&1; then
        column -t -s "$(printf '\t')" "$figures"
    else
        # The table all the same: what failed shows in it as well.
        column -t -s "$(printf '\t')" "$figures"
        cat "$figures.log" >&2
        return 1
    fi
}
