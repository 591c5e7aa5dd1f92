#!/bin/sh
# Finds out which builds would be installed. They are the key of the cache: other builds, another key, whatever asked.
# shellcheck source=job.sh
. "$GITHUB_ACTION_PATH/job.sh"

sha256() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi
}

enter
if [ -n "$INPUT_PYTHON_VERSION_FILE" ] && [ "$name" != pyman.lock ]; then
    files=$("$pyman" explain --json) || exit
    case $files in
        *"/pyman/asked/$name\""*) ;;
        *) fail "$INPUT_PYTHON_VERSION_FILE asks for no Python" ;;
    esac
fi
locked=
if is_on locked "$INPUT_LOCKED"; then locked=1; fi
builds=$(with_requests "$pyman" install --dry-run --json ${locked:+--locked} --)
key=
# Nothing is unpacked over a store that is there, or where other jobs may be at work.
if [ "$PYMAN_HOME" = "$place/store" ] && [ ! -e "$PYMAN_HOME" ]; then
    key=$(printf '%s\n' "$builds" | sed -n 's/.*"key": "\([^"]*\)".*/\1/p' | sort | sha256)
    key=pyman-${key%% *}
fi
tell "$GITHUB_OUTPUT" store "$PYMAN_HOME"
tell "$GITHUB_OUTPUT" key "$key"
