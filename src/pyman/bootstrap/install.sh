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

note() { [ -n "$quiet" ] || printf '%s\n' "$1" >&2; }

# fail MESSAGE [HINT]
fail() {
    printf 'error: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

misused() {
    printf 'error: %s\nhint: sh install.sh --help tells the options.\n' "$1" >&2
    exit 2
}

# What is made on the way goes, whatever ends this: the child, the folder of work, the folders above it.
clean_up() {
    if [ -n "$child" ]; then
        kill "$child" 2>/dev/null
        wait "$child" 2>/dev/null
    fi
    [ -z "$stage" ] || rm -rf "$stage"
    while [ -n "$made" ]; do
        rmdir "${made%%"$newline"*}" 2>/dev/null
        made=${made#*"$newline"}
    done
}

# Run a command so that a signal is heard while it runs; what it complains of goes to $stage/told.
watched() {
    "$@" 2>"$stage/told" &
    child=$!
    wait "$child"
    status=$?
    child=
    return "$status"
}

told() { tail -n 1 "$stage/told" 2>/dev/null; }

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

# field OFFSET BYTES: a number of the ELF header in $header, whose bytes are decimal numbers; in $number
field() {
    number=0 place=0 factor=1
    for byte in $header; do
        if [ "$place" -ge "$1" ] && [ "$place" -lt $(($1 + $2)) ]; then
            if [ "$order" = 1 ]; then # little endian
                number=$((number + byte * factor)) factor=$((factor * 256))
            else
                number=$((number * 256 + byte))
            fi
        fi
        place=$((place + 1))
    done
}

# bytes FILE OFFSET BYTES: those of a file, as decimal numbers, in $header
bytes() {
    header=$(od -An -v -tu1 -j "$2" -N "$3" "$1" 2>/dev/null)
}

# The loader of the program $1 in $loader, and what its header says in $machine, $class and $flags; fails for what
# is static or no ELF file. elf(5) shows the layout.
read_program() {
    bytes "$1" 0 64
    # shellcheck disable=SC2086 # the bytes are words
    set -- "$1" $header
    [ "$2 $3 $4 $5" = "127 69 76 70" ] 2>/dev/null || return 1
    class=$6 order=$7
    field 18 2 && machine=$number
    if [ "$class" = 2 ]; then
        field 48 4 && flags=$number
        field 32 8 && start=$number
        field 54 2 && step=$number
        field 56 2 && count=$number
    else
        field 36 4 && flags=$number
        field 28 4 && start=$number
        field 42 2 && step=$number
        field 44 2 && count=$number
    fi
    [ "$count" -le 128 ] || return 1
    while [ "$count" -gt 0 ]; do
        bytes "$1" "$start" "$step"
        field 0 4
        [ "$number" != 3 ] || break # PT_INTERP
        start=$((start + step)) count=$((count - 1))
    done
    [ "$count" -gt 0 ] || return 1
    if [ "$class" = 2 ]; then field 8 8; else field 4 4; fi
    start=$number
    if [ "$class" = 2 ]; then field 32 8; else field 16 4; fi
    [ "$number" -le 4096 ] || return 1
    loader=$(od -An -v -tc -j "$start" -N $((number - 1)) "$1" 2>/dev/null) || return 1
    loader=$(printf '%s' "$loader" | tr -d ' \n')
}

find_target() {
    kernel=$(uname -m) || kernel=unknown
    case $(uname -s) in
        Linux) ;;
        Darwin)
            # What runs under Rosetta is told that it is an Intel.
            [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" != 1 ] || kernel=arm64
            case $kernel in
                arm64) target=macos-aarch64-none ;;
                *) target=macos-$kernel-none ;;
            esac
            return
            ;;
        *) fail "there is no pyman for $(uname -s) on $kernel" "On Windows unpack the archive for it." ;;
    esac
    found=
    for program in /bin/sh /usr/bin/env /bin/ls; do
        if [ -f "$program" ] && read_program "$program"; then
            found=1
            break
        fi
    done
    [ -n "$found" ] || fail "cannot tell which C library this system uses: sh, env and ls are static or missing" \
        "Name the target with --target, for example linux-x86_64-musl."
    arch=$kernel
    case $machine-$class-$order in
        62-2-1) arch=x86_64 ;;
        183-2-1) arch=aarch64 ;;
        3-1-1) arch=i686 ;;
        40-1-1) case $kernel in armv[456]*) ;; *) arch=armv7 ;; esac ;;
        21-2-1) arch=ppc64le ;;
        22-2-2) arch=s390x ;;
        243-2-1) arch=riscv64 ;;
    esac
    case ${loader##*/} in
        ld-musl-*) libc=musl ;;
        ld-linux*)
            libc=gnu
            if [ "$machine" = 40 ]; then
                libc=gnueabi
                [ $((flags & 1024)) = 0 ] || libc=gnueabihf
                case $loader in */ld-linux-armhf*) libc=gnueabihf ;; esac
            fi
            ;;
        ld64.so.* | ld.so.1) libc=gnu ;;
        *) libc=${loader##*/} ;;
    esac
    target=linux-$arch-$libc
}

# Folders above $1 that are not there are made, and remembered.
make_folders() {
    [ ! -d "$1" ] || return 0
    make_folders "$(dirname "$1")"
    why=$(mkdir "$1" 2>&1) || fail "cannot make the folder $1: ${why##*: }" "Choose another with $elsewhere, or another user."
    made=$1$newline$made
}

make_stage() {
    why=$(mktemp -d "$1/.pyman-install.XXXXXX" 2>&1) ||
        fail "cannot write in $1: ${why##*: }" "Choose another folder with $elsewhere, or another user."
    stage=$why
    # In blocks of 1024 bytes, as POSIX has it; the free ones are the fourth of the last line.
    free=$(df -Pk "$stage" 2>/dev/null | tail -n 1 | awk '{print $4}' 2>/dev/null)
    needed=$(((size + unpacked) / 1024))
    case $free in
        '' | *[!0-9]*) ;;
        *) [ "$free" -ge "$needed" ] || no_space ;;
    esac
}

no_space() {
    fail "there is no space in ${stage%/*}: pyman needs $(((size + unpacked) / 1000000)) MB there to be unpacked" \
        "Make room, or choose another folder with $elsewhere."
}

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
    download "$from/$name"
}

download() {
    file=$stage/archive
    note "Downloading ${1##*/} ($((size / 1000000)) MB)"
    if command -v curl >/dev/null 2>&1; then
        watched curl --fail --location --silent --show-error --connect-timeout 30 --output "$file" "$1"
    elif command -v wget >/dev/null 2>&1; then
        watched wget -q -T 30 -O "$file" "$1" || {
            # Not every wget says why where it is to be quiet.
            [ -n "$(told)" ] || printf 'wget ended with code %s\n' "$status" >"$stage/told"
            false
        }
    else
        fail "there is neither wget nor curl here to download pyman with" \
            "Bring $1 here, and name it with --archive."
    fi || {
        why=$(told)
        case $why in *"No space left"* | *"write error"* | *"Failed writing"* | *"Failure writing"*) no_space ;; esac
        fail "cannot download $1: $why" "Without a network there are three ways: --mirror with a mirror that can be reached, --mirror with a folder, --archive with a file."
    }
}

check_archive() {
    [ -r "$file" ] || fail "cannot read $file"
    begin=$(od -An -tu1 -N 2 "$file") || fail "cannot read $file"
    length=$(wc -c <"$file") || fail "cannot read $file"
    # shellcheck disable=SC2086 # the bytes are words
    set -- $begin
    case "${1:-} ${2:-}" in
        "31 139") ;;
        60*) fail "what came for $name is a web page and no archive" "Is there a page to log in on this network, or another address?" ;;
        *) fail "what came for $name is no archive: it begins with the bytes ${1:-none} ${2:-}" "--mirror names another place." ;;
    esac
    [ "$length" -ge "$size" ] || fail "$name is cut: $((length)) of $size bytes came" "Try again, or name another place with --mirror."
    if command -v sha256sum >/dev/null 2>&1; then
        sum=$(sha256sum <"$file")
    elif command -v shasum >/dev/null 2>&1; then
        sum=$(shasum -a 256 <"$file")
    else
        fail "there is no sha256sum here to verify pyman with" "It comes with coreutils and with busybox."
    fi || fail "cannot read $file"
    sum=${sum%% *}
    [ "$sum" = "$digest" ] || fail "$name has sha256 $sum, expected $digest" \
        "It was changed on the way or where it lies, or it is of another release than this install.sh."
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
        check_archive
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
    check_archive
    unpack
    command=$new
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

# The whole path of a folder, without a slash at its end.
whole() {
    case $1 in
        /) printf '/' ;;
        /*) printf '%s' "${1%/}" ;;
        *) printf '%s/%s' "$PWD" "${1%/}" ;;
    esac
}

main() {
    version='@VERSION@' address='@ADDRESS@'
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
