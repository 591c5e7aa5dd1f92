#!/bin/sh
# Installs pyman @VERSION@, a Python version manager, on a machine that may have nothing: no Python, no bash.
#
#     sh install.sh                                       pyman, in ~/.local/share/pyman-app
#     sh install.sh 3.13                                  ... and Python 3.13 with it
#     sh install.sh 3.13 --prefix /usr/local --ephemeral  that Python, and no pyman
#
# `sh install.sh --help` tells the options. It needs sh, od, tar, sha256sum, and wget or curl; what it downloads
# has to have the digest that is written below, or nothing is installed. It asks nothing, and where it fails it
# leaves nothing. All of it is in functions, which the last line calls: half of it does nothing.

usage() {
    cat <<'END'
Usage: sh install.sh [OPTION]... [REQUEST]... [-- OPTION...]

Installs pyman, and with it the Python versions of the REQUESTs (3.13, 3.12.9, ...).
What follows -- are options for `pyman install`.

  --to DIR        where pyman goes: ~/.local/share/pyman-app   PYMAN_INSTALL_TO
  --bin DIR       where the command goes: ~/.local/bin         PYMAN_INSTALL_BIN
  --mirror PLACE  a URL or folder with the archive of pyman;   PYMAN_INSTALL_MIRROR
                  Python versions are looked for there first
  --archive FILE  the archive of pyman, where there is no      PYMAN_INSTALL_ARCHIVE
                  wget and no curl
  --offline       open no connection                           PYMAN_INSTALL_OFFLINE=1
  --target T      linux-x86_64-musl, ...: not what is found    PYMAN_INSTALL_TARGET
  --prefix DIR    that one Python goes into this directory     PYMAN_INSTALL_PREFIX
  --ephemeral     leave no pyman, only Python                  PYMAN_INSTALL_EPHEMERAL=1
  --quiet         say nothing that is not an error             PYMAN_INSTALL_QUIET=1
  REQUEST                                                      PYMAN_INSTALL_PYTHON
END
}

# shellcheck source=../network/fetch.sh
. ../network/fetch.sh

misused() {
    printf 'error: %s\nhint: sh install.sh --help tells the options.\n' "$1" >&2
    exit 2
}

# known SHA256 SIZE UNPACKED: what is known of the archive for this target
known() {
    digest=$1 size=$2 unpacked=$3
}

look_up() {
    case $1 in
        @PORTABLES@) known 0 0 0 ;;
        *) return 1 ;;
    esac
}

# shellcheck source=../machine/find_target.sh
. ../machine/find_target.sh

# The archive, as $file: the one given, one in a folder, or downloaded.
get_archive() {
    name=pyman-$version-$target.tar.gz
    if [ -n "$archive" ]; then
        file=$archive
        [ -f "$file" ] || fail "there is no file $file" "--archive names $name."
        return
    fi
    from=${mirror:-$address}
    from=${from%/}
    case $from in
        '') fail "this install.sh does not know where pyman can be had" "Name the place with --mirror, or the file with --archive." ;;
        file://*) file=${from#file://}/$name ;;
        *://*) file= ;;
        *) file=$from/$name ;;
    esac
    if [ -n "$file" ]; then
        [ -f "$file" ] || fail "there is no file $file" "--mirror names a URL, or the folder in which $name is."
        return
    fi
    [ -z "$offline" ] || fail "offline: $from/$name would have been downloaded" "Name a folder with --mirror, or the file with --archive."
    download "$from/$name" ||
        fail "cannot download $from/$name: $why" "Without a network there are three ways: --mirror with a mirror that can be reached, --mirror with a folder, --archive with a file."
}

unpack() {
    command -v tar >/dev/null 2>&1 || fail "there is no tar here to unpack pyman with"
    # tar may start gzip; nothing is written but below the folder of work.
    watched tar -xzf "$file" -C "$stage" || {
        why=$(cat "$stage/told" 2>/dev/null)
        case $why in *"No space left"* | *"Disk quota"*) no_space ;; esac
        fail "cannot unpack $name: $(told)"
    }
    new=$stage/pyman/bin/pyman
    watched "$new" --version >/dev/null || fail "pyman does not start here: $(told)" \
        "It was taken for $target. If that is wrong, name the target with --target."
}

is_installed() {
    [ -f "$to/receipt.json" ] && grep -q "\"$digest\"" "$to/receipt.json" && "$to/bin/pyman" --version >/dev/null 2>&1
}

install_pyman() {
    if is_installed; then
        note "pyman $version is in $to already"
        new=$to/bin/pyman
        "$new" self place --to "$to" --bin "$bin" --sha256 "$digest" || exit 1
    else
        make_folders "$(dirname "$to")"
        make_stage "$(dirname "$to")"
        get_archive
        check_archive || fail "$why" "$hint"
        unpack
        "$new" self place --to "$to" --bin "$bin" --origin "$mirror" --sha256 "$digest" || exit 1
        made=
        note "Installed pyman $version in $to"
    fi
    command=$to/bin/pyman
    case :$PATH: in
        *:"$bin":*) ;;
        *) note "$bin is not on your PATH; \`$bin/pyman update-shell\` puts it there." ;;
    esac
}

borrow_pyman() {
    elsewhere=TMPDIR
    make_stage "${TMPDIR:-/tmp}"
    get_archive
    check_archive || fail "$why" "$hint"
    unpack
    command=$new
    # What it keeps to be quicker the next time goes with it.
    export XDG_CACHE_HOME="$stage/cache"
}

install_python() {
    [ -z "$prefix" ] || set -- --prefix "$prefix" "$@"
    [ -z "$mirror" ] || [ -n "${PYMAN_MIRROR:-}" ] || export PYMAN_MIRROR="$mirror"
    [ -z "$offline" ] || set -- --offline "$@"
    [ -z "$quiet" ] || set -- --quiet "$@"
    # shellcheck disable=SC2086 # requests are words
    "$command" install "$@" $requests <&3 &
    child=$!
    wait "$child"
    status=$?
    child=
    return "$status"
}

read_settings() {
    to=${PYMAN_INSTALL_TO:-}
    bin=${PYMAN_INSTALL_BIN:-${PYMAN_BIN_DIR:-}}
    mirror=${PYMAN_INSTALL_MIRROR:-}
    archive=${PYMAN_INSTALL_ARCHIVE:-}
    target=${PYMAN_INSTALL_TARGET:-}
    prefix=${PYMAN_INSTALL_PREFIX:-}
    requests=${PYMAN_INSTALL_PYTHON:-}
    offline=$(is_on "${PYMAN_INSTALL_OFFLINE:-${PYMAN_OFFLINE:-}}")
    ephemeral=$(is_on "${PYMAN_INSTALL_EPHEMERAL:-}")
    quiet=$(is_on "${PYMAN_INSTALL_QUIET:-}")
}

is_on() {
    case $1 in '' | 0 | false | no | off) ;; *) echo 1 ;; esac
}

complete_settings() {
    if [ -z "$to" ] || [ -z "$bin" ]; then
        [ -n "${HOME:-}" ] || [ -n "$ephemeral" ] || fail "HOME is not set" "Name the folders with --to and --bin."
    fi
    to=${to:-${HOME:-}/.local/share/pyman-app}
    bin=${bin:-${HOME:-}/.local/bin}
    to=$(whole "$to") bin=$(whole "$bin")
    case $mirror in '' | *://*) ;; *) mirror=$(whole "$mirror") ;; esac
    [ -z "$prefix" ] || prefix=$(whole "$prefix")
    if [ -z "$target" ]; then find_target; fi
    look_up "$target" || fail "there is no pyman $version for this machine, $target" \
        "Another target can be named with --target; with a Python 3.11 or later, pip install pyman-cli."
}

main() {
    version='@VERSION@' address='@ADDRESS@'
    subject=pyman self=install.sh bring='it with --archive'
    child='' stage='' made='' elsewhere=--to newline='
'
    umask 022
    exec 3<&0
    read_settings
    given=
    while [ $# -gt 0 ]; do
        case $1 in
            --to | --bin | --mirror | --archive | --target | --prefix)
                [ $# -gt 1 ] && [ -n "$2" ] || misused "$1 needs a value"
                case $1 in
                    --to) to=$2 ;;
                    --bin) bin=$2 ;;
                    --mirror) mirror=$2 ;;
                    --archive) archive=$2 ;;
                    --target) target=$2 ;;
                    --prefix) prefix=$2 ;;
                esac
                shift
                ;;
            --*=*)
                option=${1%%=*} value=${1#*=}
                shift
                set -- "$option" "$value" "$@"
                continue
                ;;
            --offline) offline=1 ;;
            --ephemeral) ephemeral=1 ;;
            --quiet | -q) quiet=1 ;;
            --help | -h)
                usage
                return 0
                ;;
            --)
                shift
                break
                ;;
            -*) misused "there is no option $1" ;;
            *)
                [ -n "$given" ] || requests= # what is typed comes before what a variable says
                given=1
                requests="$requests $1"
                ;;
        esac
        shift
    done
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    complete_settings
    if [ -n "$ephemeral" ]; then borrow_pyman; else install_pyman; fi
    if [ -n "$requests$prefix$ephemeral" ] || [ $# -gt 0 ]; then install_python "$@"; fi
}

if true; then main "$@"; fi
