# shellcheck shell=sh
# What a script needs that fetches one archive, checks it, and leaves nothing where it fails. The script says in
# $subject what it brings, in $elsewhere what names another folder, in $self what it is, and sets $digest, $size and
# $unpacked (bytes), $name, $quiet, $newline, and nothing in $child, $stage and $made.

# shellcheck disable=SC2154 # all of these
note() { [ -n "$quiet" ] || printf '%s\n' "$1" >&2; }

# fail MESSAGE [HINT]
fail() {
    printf 'error: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
    exit 1
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

# The whole path of a folder, without a slash at its end.
whole() {
    case $1 in
        /) printf '/' ;;
        /*) printf '%s' "${1%/}" ;;
        *) printf '%s/%s' "$PWD" "${1%/}" ;;
    esac
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
    fail "there is no space in ${stage%/*}: $subject needs $(((size + unpacked) / 1000000)) MB there to be unpacked" \
        "Make room, or choose another folder with $elsewhere."
}

# Fetch $1 to $file; where that fails, why in $why.
download() {
    file=$stage/archive
    mega=" ($((size / 1000000)) MB)"
    [ "$size" != 0 ] || mega=
    note "Downloading ${1##*/}$mega"
    if command -v curl >/dev/null 2>&1; then
        watched curl --fail --location --silent --show-error --connect-timeout 30 --output "$file" "$1"
    elif command -v wget >/dev/null 2>&1; then
        watched wget -q -T 30 -O "$file" "$1" || {
            # Not every wget says why where it is to be quiet.
            [ -n "$(told)" ] || printf 'wget ended with code %s\n' "$status" >"$stage/told"
            false
        }
    else
        fail "there is neither wget nor curl here to download $subject with" "Bring $1 here, and name $bring."
    fi || {
        why=$(told)
        case $why in *"No space left"* | *"write error"* | *"Failed writing"* | *"Failure writing"*) no_space ;; esac
        return 1
    }
}

# Fails unless $file is what it should be; what it is instead in $why, and what to do in $hint.
check_archive() {
    why="cannot read $file" hint=
    [ -r "$file" ] || return 1
    begin=$(od -An -tu1 -N 2 "$file") || return 1
    length=$(wc -c <"$file") || return 1
    # shellcheck disable=SC2086 # the bytes are words
    set -- $begin
    case "${1:-} ${2:-}" in
        "31 139" | "66 90") ;; # gzip, bzip2
        60*)
            why="what came for $name is a web page and no archive"
            hint="Is there a page to log in on this network, or another address?"
            return 1
            ;;
        *)
            why="what came for $name is no archive: it begins with the bytes ${1:-none} ${2:-}"
            hint="--mirror names another place."
            return 1
            ;;
    esac
    if [ "$length" -lt "$size" ]; then
        why="$name is cut: $((length)) of $size bytes came" hint="Try again, or name another place with --mirror."
        return 1
    fi
    if command -v sha256sum >/dev/null 2>&1; then
        sum=$(sha256sum <"$file")
    elif command -v shasum >/dev/null 2>&1; then
        sum=$(shasum -a 256 <"$file")
    else
        fail "there is no sha256sum here to verify $subject with" "It comes with coreutils and with busybox."
    fi || return 1
    sum=${sum%% *}
    why="$name has sha256 $sum, expected $digest"
    hint="It was changed on the way or where it lies, or it is of another release than this $self."
    [ "$sum" = "$digest" ]
}

