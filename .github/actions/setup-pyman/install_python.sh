#!/bin/sh
# Installs what is missing, and puts the one `python` that is meant first on PATH.
# shellcheck source=job.sh
. "$GITHUB_ACTION_PATH/job.sh"

enter
locked='' again=''
if is_on locked "$INPUT_LOCKED"; then locked=1; fi
if [ "$RESTORED" = true ] && ! "$pyman" verify; then
    echo "What came from the cache is not whole: it is installed again." >&2
    again=1
fi
PATH=$PYMAN_BIN_DIR:$PATH with_requests "$pyman" install ${locked:+--locked} ${again:+--reinstall} --

last=$(printf '%s\n' "$INPUT_PYTHON_VERSION" | awk 'NF { last = $0 } END { print last }')
python=$(INPUT_PYTHON_VERSION=$last with_requests "$pyman" find --managed-only --system --quiet --)
version=$("$python" -I -c 'import platform; print(platform.python_version())')
echo "python is $python, $version"
tell "$GITHUB_OUTPUT" python-path "$python"
tell "$GITHUB_OUTPUT" python-version "$version"
put_first "$(dirname "$python")"
