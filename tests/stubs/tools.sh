# What the `generate` and `test` scripts share; sourced by them.

readonly STUBS="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly PROTO="$(cd "$STUBS/../../proto" && pwd)"
readonly PYTHON="$STUBS/.venv/bin/python"

# need COMMAND WHAT: ends with one line unless the machine has the command.
need() {
    command -v "$1" >/dev/null || {
        echo "$0: '$1' is missing: install $2" >&2
        exit 127
    }
}

# The pinned Python packages (grpcio-tools carries protoc, buf-bin is buf), in an environment of their own.
python_tools() {
    need python3 "Python 3.11 or later (Debian: python3 python3-venv)"
    local stamp="$STUBS/.venv/requirements.txt"
    cmp -s "$STUBS/python/requirements.txt" "$stamp" && return
    python3 -m venv "$STUBS/.venv" || {
        echo "$0: python3 cannot make a virtual environment: install its venv module (Debian: python3-venv)" >&2
        exit 127
    }
    "$PYTHON" -m pip install --quiet --disable-pip-version-check -r "$STUBS/python/requirements.txt"
    cp "$STUBS/python/requirements.txt" "$stamp"
}
