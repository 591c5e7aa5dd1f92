# shellcheck shell=sh
# Finds the machine's target, as pyman itself does: of the system's own programs, which need not be started. What it
# brings, the script says in $subject; it has a function fail MESSAGE HINT.

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
        *) fail "there is no $subject for $(uname -s) on $kernel" "On Windows unpack the archive for it." ;;
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

