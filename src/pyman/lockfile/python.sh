#!/bin/sh
# Puts Python into a folder, on a machine that may have nothing: no Python, no pyman, no bash.
# `pyman lock --format sh` made it of a lock; it brings these builds and no others:
#
@BUILDS@
#
#     sh python.sh                        the first of them for this machine, in /usr/local
#     sh python.sh /opt/python            in another folder; PREFIX=/opt/python says the same
#     sh python.sh --python 3.12          another of them
#
# `sh python.sh --help` tells the options. It needs sh, od, tar, gzip, sha256sum, and wget or curl. What it fetches has
# to have the digest that is written below, and to start here, or nothing is put anywhere; where it fails it leaves
# nothing. What is in the folder already is never replaced: if something is in the way, that is said.
#
# What `pyman install` does and this does not: sysconfig, *.pc and python3-config still name the folder /install and the
# compiler of those who built it (give CC=cc where extension modules are compiled); pip is let install into it (there is
# no EXTERNALLY-MANAGED); nothing is compiled to bytecode beforehand; on macOS libpython keeps the name it was built
# with; and there is no record by which pyman could verify or remove it. All of it is in functions, which the last
# line calls: half of it does nothing.

usage() {
    cat <<'END'
Usage: sh python.sh [OPTION]... [PREFIX]

Puts Python into the folder PREFIX: /usr/local, or what the variable PREFIX says.

  --python V      3.13, or 3.13.5: which, where there are several
  --target T      linux-x86_64-musl, ...: not what is found
  --mirror PLACE  a URL or folder with {release}/{file}, tried first   PYMAN_MIRROR
  --quiet         say nothing that is not an error
END
}

# shellcheck source=../network/fetch.sh
. ../network/fetch.sh

misused() {
    printf 'error: %s\nhint: sh python.sh --help tells the options.\n' "$1" >&2
    exit 2
}

# known KEY PROGRAM RELEASE FILE TAR SHA256 SIZE URL...: what is known of a build, whose archive tar unpacks by TAR
known() {
    key=$1 program=$2 release=$3 name=$4 option=$5 digest=$6 size=$7
    shift 7
    urls=$*
    # How large it is unpacked is not known: three times as large at the least.
    unpacked=$((size * 3))
}

# look_up TARGET VERSION: the build, the first for a target where VERSION is empty
look_up() {
    case $1/$2 in
        @KNOWN@/*) known '' '' '' '' z '' 0 '' ;;
        *) return 1 ;;
    esac
}

# shellcheck source=../machine/find_target.sh
. ../machine/find_target.sh

# The archive, as $file, from the first place that has it.
get_archive() {
    failed=
    case $mirror in
        '') ;;
        *://*) urls="${mirror%/}/$release/$(printf '%s' "$name" | sed 's/+/%2B/g') $urls" ;;
        *)
            file=${mirror%/}/$release/$name
            why="there is no file $file"
            [ ! -f "$file" ] || { check_archive && return; }
            failed=$why$newline
            ;;
    esac
    hint="--mirror names a folder or a URL with $release/$name."
    for url in $urls; do
        if download "$url"; then
            ! check_archive || return 0
        else
            hint="--mirror names a folder or a URL with $release/$name."
        fi
        failed="$failed$why$newline"
        note "$why"
    done
    fail "no source gave $name: ${failed%"$newline"}" "$hint"
}

unpack() {
    command -v tar >/dev/null 2>&1 || fail "there is no tar here to unpack Python with"
    tree=$stage/tree
    why=$(mkdir "$tree" 2>&1) || fail "cannot make the folder $tree: $why"
    # Not by their owners, which root would keep.
    watched tar "-xo${option}f" "$file" -C "$tree" || {
        why=$(cat "$stage/told" 2>/dev/null)
        case $why in *"No space left"* | *"Disk quota"*) no_space ;; esac
        fail "cannot unpack $name: $(told)"
    }
    set -- "$tree"/*
    [ $# = 1 ] && [ -d "$1" ] || fail "$name holds more than one folder"
    tree=$1
    [ -n "$given" ] || watched "$tree/bin/$program" -I -B -c 'import ssl, zlib' || fail "$key does not run here: $(told)" \
        "It was taken for $target. If that is wrong, name the target with --target."
}

# The names python3 and python, where the build has none, and what tells later which one this is.
add_names() {
    for link in python3 python; do
        [ -e "$tree/bin/$link" ] || [ -L "$tree/bin/$link" ] || why=$(ln -s "$program" "$tree/bin/$link" 2>&1) ||
            fail "cannot make $link: $why"
    done
    why=$(mkdir -p "$tree/share/pyman" 2>&1) || fail "cannot make the folder $tree/share/pyman: $why"
    printf '%s\n%s\n' "$key" "$digest" >"$tree/share/pyman/$program" || fail "cannot write $tree/share/pyman/$program"
}

# Whether $1 is there, be it a link that leads nowhere.
exists() { [ -e "$1" ] || [ -L "$1" ]; }

# each COMMAND FOLDER: call COMMAND with each thing below FOLDER that goes into the prefix as a whole: what is not
# there yet, and what is there and no folder. In COMMAND $there is its place.
each() {
    for entry in "$2"/* "$2"/.[!.]*; do
        exists "$entry" || continue
        there=${prefix%/}${entry#"$tree"}
        if [ -d "$entry" ] && [ ! -L "$entry" ] && [ -d "$there" ]; then
            each "$1" "$entry"
        else
            "$1" "$entry"
        fi
    done
}

look() {
    ! exists "$there" || fail "$there is in the way of $key: nothing was changed" \
        "What is there is not replaced: choose another folder, or take it away."
}

put() {
    look
    placed=$there$newline$placed
    why=$(mv "$1" "$there" 2>&1) || {
        placed=${placed#*"$newline"}
        fail "cannot put $there in its place: $why"
    }
}

# What was put where it is to be goes again if not all of it could be.
take_back() {
    while [ -n "$placed" ]; do
        rm -rf "${placed%%"$newline"*}"
        placed=${placed#*"$newline"}
    done
    clean_up
}

is_there() {
    [ -f "$prefix/share/pyman/$program" ] && grep -q -F -x -e "$digest" "$prefix/share/pyman/$program" &&
        { [ -n "$given" ] || "$prefix/bin/$program" -I -B -c '' >/dev/null 2>&1; }
}

install_python() {
    if is_there; then
        note "$key is in $prefix already"
        return
    fi
    make_folders "$prefix"
    make_stage "$prefix"
    get_archive
    unpack
    add_names
    each look "$tree"
    each put "$tree"
    placed='' made=''
    note "Put $key into $prefix"
}

main() {
    subject=Python self=script elsewhere='an argument' bring='the folder with --mirror'
    child='' stage='' made='' placed='' quiet='' given='' python='' newline='
'
    target='' mirror=${PYMAN_MIRROR:-} prefix=${PREFIX:-/usr/local}
    umask 022
    while [ $# -gt 0 ]; do
        case $1 in
            --python | --target | --mirror)
                [ $# -gt 1 ] && [ -n "$2" ] || misused "$1 needs a value"
                case $1 in
                    --python) python=$2 ;;
                    --target) target=$2 given=1 ;;
                    --mirror) mirror=$2 ;;
                esac
                shift
                ;;
            --*=*)
                option=${1%%=*} value=${1#*=}
                shift
                set -- "$option" "$value" "$@"
                continue
                ;;
            --quiet | -q) quiet=1 ;;
            --help | -h)
                usage
                return 0
                ;;
            -*) misused "there is no option $1" ;;
            '') misused "the folder has no name" ;;
            *) prefix=$1 ;;
        esac
        shift
    done
    trap take_back EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    prefix=$(whole "$prefix")
    case $mirror in file://*) mirror=${mirror#file://} ;; esac
    if [ -z "$target" ]; then find_target; fi
    look_up "$target" "$python" || fail "there is no Python $python${python:+ }here for $target" \
        "This script has what stands at its beginning; \`pyman lock --target $target\` locks for it."
    install_python
}

if true; then main "$@"; fi
