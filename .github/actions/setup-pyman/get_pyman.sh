#!/bin/sh
# Installs the portable pyman by install.sh: that of a release, or of a mirror.
# shellcheck source=job.sh
. "$GITHUB_ACTION_PATH/job.sh"

# The release that was named, or that this action belongs to, as a folder of the releases page; in $from.
find_release() {
    version=$INPUT_PYMAN_VERSION
    [ -n "$version" ] ||
        version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$GITHUB_ACTION_PATH/../../../src/pyman/__init__.py")
    case $version in
        latest) from=latest/download ;;
        '' | *[!0-9A-Za-z.]*) fail "pyman-version is no version of pyman: $version" ;;
        *) from=download/v$version ;;
    esac
    from=$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/$from
}

# get URL FILE
get() {
    if command -v curl >/dev/null 2>&1; then
        curl --fail --silent --show-error --location --retry 3 --output "$2" "$1"
    else
        wget -q -T 30 -O "$2" "$1"
    fi || fail "cannot download $1"
}

check pyman-version "$INPUT_PYMAN_VERSION"
check mirror "$INPUT_MIRROR"
mirror=${INPUT_MIRROR%/} offline=
if is_on offline "$INPUT_OFFLINE"; then offline=1; fi
case $mirror in
    '') find_release ;;
    file://*) mirror=${mirror#file://} from=$mirror ;;
    *://* | /*) from=$mirror ;;
    *) mirror=$PWD/$mirror from=$mirror ;;
esac
own=$from # where pyman itself is
mkdir -p "$place"
case $from in
    /*)
        [ -f "$from/install.sh" ] || own=$from/pyman # as in a bundle
        [ -f "$own/install.sh" ] || fail "there is no install.sh in $from"
        cat "$own/install.sh" >"$place/install.sh"
        ;;
    *)
        [ -z "$offline" ] || fail "offline: $from/install.sh would have been downloaded" "Name a folder as the mirror."
        get "$from/install.sh" "$place/install.sh"
        ;;
esac

PATH=$PYMAN_BIN_DIR:$PATH sh "$place/install.sh" --to "$app" --bin "$PYMAN_BIN_DIR" \
    ${mirror:+--mirror "$own"} ${offline:+--offline}
version=$("$pyman" --version)
version=${version#pyman }
case $INPUT_PYMAN_VERSION in
    '' | latest | "$version") ;;
    *) fail "pyman $INPUT_PYMAN_VERSION was asked for, and $from has $version" ;;
esac

tell "$GITHUB_OUTPUT" pyman-version "$version"
tell "$GITHUB_ENV" PYMAN_HOME "$PYMAN_HOME"
tell "$GITHUB_ENV" PYMAN_BIN_DIR "$PYMAN_BIN_DIR"
[ -z "$mirror" ] || tell "$GITHUB_ENV" PYMAN_MIRROR "$mirror"
[ -z "$offline" ] || tell "$GITHUB_ENV" PYMAN_OFFLINE 1
put_first "$PYMAN_BIN_DIR"
