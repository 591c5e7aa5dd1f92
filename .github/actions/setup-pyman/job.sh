# shellcheck shell=sh
# What the steps share: where things are in this job, what was asked for, and what later steps are told.

set -eu

# All of it is this job's own, unless PYMAN_HOME names a store that stays.
place=$RUNNER_TEMP/pyman
app=$place/app
# shellcheck disable=SC2034 # the steps start it
pyman=$app/bin/pyman
export PYMAN_HOME="${PYMAN_HOME:-$place/store}" PYMAN_BIN_DIR="${PYMAN_BIN_DIR:-$place/bin}"

# fail MESSAGE [HINT]
fail() {
    printf 'error: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

# check NAME VALUE: a line end in a value would begin another line, in what the runner reads as well
check() {
    [ "$(printf '%s' "$2" | LC_ALL=C tr -d '[:cntrl:]')" = "$2" ] || fail "$1 has a line end or another control character in it"
}

# tell FILE NAME VALUE: to later steps, by one of the files that the runner reads
tell() {
    check "$2" "$3"
    printf '%s=%s\n' "$2" "$3" >>"$1"
}

# put_first FOLDER: on the PATH of later steps
put_first() {
    check PATH "$1"
    printf '%s\n' "$1" >>"$GITHUB_PATH"
}

# is_on NAME VALUE
is_on() {
    case $2 in
        true) ;;
        false | '') return 1 ;;
        *) fail "$1 is neither true nor false" ;;
    esac
}

# Go to where the project's files are, or to a folder with nothing in it but a copy of the one that was named.
enter() {
    check working-directory "$INPUT_WORKING_DIRECTORY"
    case $INPUT_WORKING_DIRECTORY in
        /*) cd "$INPUT_WORKING_DIRECTORY" ;;
        *) cd "./$INPUT_WORKING_DIRECTORY" ;;
    esac 2>/dev/null || fail "cannot go to the folder $INPUT_WORKING_DIRECTORY"
    [ -n "$INPUT_PYTHON_VERSION_FILE" ] || return 0
    check python-version-file "$INPUT_PYTHON_VERSION_FILE"
    [ -z "$INPUT_PYTHON_VERSION" ] || fail "both python-version and python-version-file are given" "Give one of them."
    [ -f "$INPUT_PYTHON_VERSION_FILE" ] || fail "there is no file $INPUT_PYTHON_VERSION_FILE in $PWD"
    name=$(basename "./$INPUT_PYTHON_VERSION_FILE")
    case $name in
        pyman.lock | .python-versions | .tool-versions | *mise*.toml | Pipfile | runtime.txt) ;;
        pyproject.toml | setup.cfg) ;;
        *) name=.python-version ;; # whatever it is called, as its form
    esac
    rm -rf "$place/asked"
    mkdir -p "$place/asked"
    cat <"$INPUT_PYTHON_VERSION_FILE" >"$place/asked/$name"
    cd "$place/asked"
}

# with_requests COMMAND...: run it with the requests behind it, in the order of the lines
with_requests() {
    while read -r request; do
        [ -n "$request" ] || continue
        check python-version "$request"
        set -- "$@" "$request"
    done <<END
$INPUT_PYTHON_VERSION
END
    "$@"
}
