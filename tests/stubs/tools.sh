# What the `generate` and `test` scripts share; sourced by them.
# shellcheck shell=bash

readonly STUBS="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly PROTO="$(cd "$STUBS/../../proto" && pwd)"
readonly PYTHON="$STUBS/.venv/bin/python"

# need COMMAND VERSION WHAT [PACKAGES]: ends with one line unless the machine has the command, of that version or later. PACKAGES are
# those of Debian that bring it.
need() {
    local found flag=--version remedy="$3 $2 or later${4:+ (Debian: $4)}"
    command -v "$1" >/dev/null || lack "'$1' is missing" "$remedy"
    case $1 in go) flag=version ;; javac) flag=-version ;; esac
    # The first number that is said, without the colours that Maven gives it.
    found=$("$1" "$flag" 2>&1 | sed 's/\x1b\[[0-9;]*m//g' | grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1 || true)
    printf '%s\n' "$2" "$found" | sort --version-sort --check=quiet || lack "'$1' is of version ${found:-unknown}" "$remedy"
}

lack() {
    echo "$0: $1: install $2" >&2
    exit 127
}

# The pinned Python packages (grpcio-tools carries protoc, buf-bin is buf), in an environment of their own.
python_tools() {
    need python3 3.11 Python "python3 python3-venv"
    local stamp="$STUBS/.venv/requirements.txt"
    cmp -s "$STUBS/python/requirements.txt" "$stamp" && return
    python3 -m venv "$STUBS/.venv" || lack "python3 makes no virtual environment" "its venv module (Debian: python3-venv)"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$STUBS/python/requirements.txt"
    cp "$STUBS/python/requirements.txt" "$stamp"
}
