# Sourced by ./demo and ./test: installs what is missing on a Debian machine, and says so. Nothing that is there is touched.

# Installs Debian packages, as root or by sudo.
install_packages() {
    local run=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "error: missing: $*; install them as root: apt-get install $*" >&2; exit 2; }
        run=(sudo)
    fi
    command -v apt-get >/dev/null || { echo "error: missing, and no apt-get to install them: $*" >&2; exit 2; }
    echo "installing Debian packages: $*" >&2
    "${run[@]}" apt-get update -qq </dev/null >&2
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

# A program, and the package that has it.
need_program() {
    command -v "$1" >/dev/null || install_packages "$2"
}

# What Rust links with and SQLite is compiled by; and cargo itself, which is the one thing expected to be there.
need_compiler() {
    command -v cargo >/dev/null || { echo "error: no cargo; install Rust: https://rustup.rs" >&2; exit 2; }
    command -v cc >/dev/null || install_packages gcc libc6-dev
}

# Room for what is built, in GiB, of which some may be there already. A full disk shows late otherwise, as errors of compilers.
need_room() { # GIB
    local target=${CARGO_TARGET_DIR:-target} free there
    mkdir -p "$target"
    free=$(($(df -k --output=avail "$target" | tail -1) / 1024 / 1024))
    there=$(($(du -sk "$target" | cut -f1) / 1024 / 1024))
    [ $((free + there)) -lt "$1" ] || return 0
    echo "error: what is built takes $1 GiB in $(realpath "$target"): $there GiB are there, and $free GiB free" >&2
    exit 2
}

# Python with venv, as a build command finds it. A Python of one user's own is not enough where builds run as another.
need_python_venv() {
    local python=python3
    [ "$(id -u)" != 0 ] || python=/usr/bin/python3
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install_packages python3 python3-venv
}

# flagd's own evaluators for JavaScript and Python, beside what cargo builds: the tests compare their answers with ours.
need_flagd_core() {
    local into=target/flagd-core
    mkdir -p "$into"
    if [ ! -d "$into/node_modules/@openfeature/flagd-core" ]; then
        need_program npm npm
        echo "installing flagd-core for JavaScript into $into" >&2
        npm install --silent --no-audit --no-fund --prefix "$into" @openfeature/flagd-core@4.0.1 @openfeature/core@1 </dev/null >&2
    fi
    if [ ! -x "$into/python/bin/python" ]; then
        need_python_venv
        echo "installing flagd-core for Python into $into" >&2
        python3 -m venv "$into/python"
        "$into/python/bin/pip" install --quiet --disable-pip-version-check openfeature-flagd-core==2.0.0 </dev/null >&2 ||
            { rm -r "$into/python"; return 1; }
    fi
}

# A browser without a screen: any of those that the tests know, or the smallest that Debian has.
need_browser() {
    local name
    for name in chromium-headless-shell chromium google-chrome-stable google-chrome; do
        ! command -v "$name" >/dev/null || return 0
    done
    install_packages chromium-headless-shell
}
