# shellcheck shell=sh
# What sh, bash and zsh have in common: which `bin` is asked for here, and that it is on PATH once.
#
# Nothing here starts a process but `__pyman_ask`, for a version file that is new, and `__pyman_safe`, where a
# `.venv` is entered. What a version file holds is never read by a shell. Every test stands in a condition: the
# user may have `set -e` and `set -u`; and no `case` compares paths, for bash has `shopt -s nocasematch`.
# Exported, for shells in shells: what is on PATH by us (_PYMAN_BIN), how many entries of the same text after it
# are not ours (_PYMAN_OWN), all that was put there (_PYMAN_HAD), and this shell's own choice (_PYMAN_SHELL).

__pyman_say() {
    if [ "${1#*[[:cntrl:]]}" != "$1" ]; then # a name of a folder could steer the terminal
        printf 'pyman: .venv %s\n' "$2" >&2
    else
        printf 'pyman: %s %s\n' "$1" "$2" >&2
    fi
}

__pyman_run() {
    if [ -x "$__pyman_exe" ]; then
        "$__pyman_exe" "$@"
    else
        command pyman "$@"
    fi
}

# Sets __pyman_count to how often $1 stands in $2, in which every entry is followed by a colon.
__pyman_counted() {
    __pyman_count=0
    __pyman_rest=:$2
    while [ "${__pyman_rest#*":$1:"}" != "$__pyman_rest" ]; do
        __pyman_rest=:${__pyman_rest#*":$1:"}
        __pyman_count=$((__pyman_count + 1))
    done
}

# Parts PATH at the entry $1 that has $2 of the same after it: __pyman_before, which ends with a colon where it
# is not empty, and __pyman_after, in which every entry is followed by one. Fails where there is no such entry.
__pyman_part() {
    __pyman_before=:${PATH-}:
    __pyman_after=''
    __pyman_count=$2
    while [ "${__pyman_before%":$1:"*}" != "$__pyman_before" ]; do
        __pyman_rest=${__pyman_before%":$1:"*}
        __pyman_after=${__pyman_before#"$__pyman_rest:$1:"}$__pyman_after
        __pyman_before=$__pyman_rest:
        if [ "$__pyman_count" -eq 0 ]; then
            __pyman_before=${__pyman_before#:}
            return 0
        fi
        __pyman_after=$1:$__pyman_after
        __pyman_count=$((__pyman_count - 1))
    done
    return 1
}

# Takes the entry $1 that has $2 of the same after it from PATH; fails, and PATH is as it was, if it is not there.
__pyman_take() {
    __pyman_part "$1" "$2" || return 1
    PATH=$__pyman_before$__pyman_after
    PATH=${PATH%:}
}

# Puts $1 first on PATH, after the `bin` of an environment that was activated by hand.
__pyman_put() {
    __pyman_before=''
    __pyman_after=${PATH:+$PATH:}
    for __pyman_hand in "${VIRTUAL_ENV-}" "${CONDA_PREFIX-}"; do
        __pyman_rest=:$__pyman_after
        if [ -n "$__pyman_hand" ] && [ "${__pyman_rest#*":$__pyman_hand/bin:"}" != "$__pyman_rest" ]; then
            if [ "$__pyman_hand" = "${VIRTUAL_ENV-}" ] || __pyman_in_conda; then
                __pyman_after=${__pyman_rest#*":$__pyman_hand/bin:"}
                __pyman_rest=${__pyman_rest%"$__pyman_after"}
                __pyman_before=$__pyman_before${__pyman_rest#:}
            fi
        fi
    done
    PATH=$__pyman_before$1:$__pyman_after
    PATH=${PATH%:}
    __pyman_counted "$1" "$__pyman_after"
    export PATH _PYMAN_BIN="$1" _PYMAN_OWN="$__pyman_count"
    if [ "${_PYMAN_HAD#*":$__pyman_count$1:"}" = "$_PYMAN_HAD" ]; then
        export _PYMAN_HAD="$_PYMAN_HAD$__pyman_count$1:"
    fi
}

# Whether conda has another environment than its base, which is an installation that happens to be on PATH.
__pyman_in_conda() {
    [ "${CONDA_DEFAULT_ENV:-base}" != base ] && [ "$CONDA_DEFAULT_ENV" != root ]
}

# Finds out where ours stands by now, when somebody has changed PATH: before and after all that was there, or a
# part of it, more of the same may have been put. Fails where it is gone.
__pyman_settle() {
    if [ -n "$__pyman_path" ]; then
        __pyman_now=${PATH-}:
        PATH=$__pyman_path
        if __pyman_part "$_PYMAN_BIN" "$_PYMAN_OWN"; then
            PATH=${__pyman_now%:}
            __pyman_rest=:$__pyman_now
            __pyman_one=":$__pyman_before$_PYMAN_BIN:$__pyman_after"
            if [ "${__pyman_rest#*"$__pyman_one"}" != "$__pyman_rest" ]; then
                __pyman_counted "$_PYMAN_BIN" "${__pyman_rest#*"$__pyman_one"}"
                export _PYMAN_OWN="$((_PYMAN_OWN + __pyman_count))"
                return 0
            fi
            if [ "${__pyman_rest%":$_PYMAN_BIN:$__pyman_after"}" != "$__pyman_rest" ]; then
                return 0
            fi
            if [ "${__pyman_now#"$__pyman_before$_PYMAN_BIN:"}" != "$__pyman_now" ]; then
                __pyman_counted "$_PYMAN_BIN" "${__pyman_now#"$__pyman_before$_PYMAN_BIN:"}"
                export _PYMAN_OWN="$__pyman_count"
                return 0
            fi
        fi
        PATH=${__pyman_now%:}
    fi
    __pyman_part "$_PYMAN_BIN" "$_PYMAN_OWN"
}

# direnv, and `deactivate`, put back the whole of a PATH that they kept, with what was ours then: what is ours
# no longer goes again. PATH alone does not tell it from what a user has typed; their own variables do.
__pyman_weed() {
    __pyman_had=${_PYMAN_HAD#:}
    while [ -n "$__pyman_had" ]; do
        __pyman_one=${__pyman_had%%:*}
        __pyman_had=${__pyman_had#*:}
        if [ "/${__pyman_one#*/}" != "$_PYMAN_BIN" ]; then
            __pyman_take "/${__pyman_one#*/}" "${__pyman_one%%/*}" || :
        fi
    done
}

# Whether what was found still is: nothing of it has changed since the stamp, a file that this shell touches.
__pyman_fresh() {
    [ -n "$__pyman_stamp" ] || return 0
    for __pyman_one in "$PWD" "$__pyman_file" "$__pyman_over" @STORES@; do
        __pyman_older "$__pyman_one" || return 1
    done
    if [ -n "$__pyman_file" ]; then
        [ -f "$__pyman_file" ] && __pyman_older "${__pyman_file%/*}"
    fi
}

# Whether $1 is not there, or older than the stamp: what has the same time may have changed after it.
__pyman_older() {
    [ ! -e "$1" ] || [ "$__pyman_stamp" -nt "$1" ]
}

# Whether two files have the same time, or neither is there.
__pyman_same() {
    if [ -e "$1" ]; then
        [ -e "$2" ] && [ ! "$1" -nt "$2" ] && [ ! "$1" -ot "$2" ]
    else
        [ ! -e "$2" ]
    fi
}

# Whether what all answers rest on is as it was when they were given.
__pyman_ground() {
    # shellcheck disable=SC3067 # dash, BusyBox, ksh, bash and zsh have it
    [ -O "$__pyman_answers" ] || return 1
    __pyman_count=0
    {
        IFS='' read -r __pyman_one || return 1
        [ "$__pyman_one" = "@GROUND@" ] || return 1
        while IFS='' read -r __pyman_one; do
            __pyman_count=$((__pyman_count + 1))
            __pyman_same "$__pyman_one" "$__pyman_answers/.ground.$__pyman_count" || return 1
        done
    } 2>/dev/null <"$__pyman_answers/.ground"
}

# Finds which `bin` is wanted here, and lets PATH have it, and nothing else of ours.
__pyman_look() {
    __pyman_stamp=$__pyman_touched
    echo 2>/dev/null >|"$__pyman_stamp" || __pyman_stamp=''
    __pyman_pwd=$PWD # first: whoever stops what goes on here is not asked again at once
    __pyman_was=$__pyman_file
    __pyman_wanted=''
    __pyman_file=''
    __pyman_over=''
    __pyman_locate
    if [ -n "${_PYMAN_SHELL-}" ]; then
        __pyman_chosen
    elif __pyman_venv_above || ! __pyman_pin_above; then
        __pyman_told=''
    fi
    __pyman_apply
    __pyman_path=${PATH-}
    __pyman_others=${VIRTUAL_ENV-}:${CONDA_PREFIX-}:${DIRENV_DIFF-}
}

# Sets __pyman_here to the current folder without links in it, and without a slash at its end.
__pyman_locate() {
    __pyman_here=${PWD%/}
    __pyman_dir=$__pyman_here
    while [ -n "$__pyman_dir" ]; do
        if [ -L "$__pyman_dir" ]; then
            __pyman_here=$(command pwd -P && echo /) || return 0
            __pyman_here=${__pyman_here%?/}
            __pyman_here=${__pyman_here%/}
            return 0
        fi
        __pyman_dir=${__pyman_dir%/*}
    done
}

__pyman_apply() {
    __pyman_is_there=''
    if [ -n "$_PYMAN_BIN" ] && __pyman_settle; then
        __pyman_is_there=1
    fi
    if [ "${VIRTUAL_ENV-}:${CONDA_PREFIX-}:${DIRENV_DIFF-}" != "$__pyman_others" ]; then
        __pyman_weed
    fi
    if [ -n "$__pyman_is_there" ]; then
        [ "$_PYMAN_BIN" != "$__pyman_wanted" ] || [ -n "$__pyman_anew" ] || return 0
        __pyman_take "$_PYMAN_BIN" "$_PYMAN_OWN" || :
    fi
    __pyman_anew=''
    export PATH _PYMAN_BIN='' _PYMAN_OWN=0
    if [ -n "$__pyman_wanted" ]; then
        __pyman_put "$__pyman_wanted"
    fi
    hash -r 2>/dev/null || :
}

# The nearest `.venv` here or above, as `pyman find` has it: before all version files.
__pyman_venv_above() {
    __pyman_dir=$__pyman_here
    while :; do
        if [ -f "$__pyman_dir/.venv/pyvenv.cfg" ] && __pyman_usable "$__pyman_dir"; then
            __pyman_wanted=$__pyman_dir/.venv/bin
            __pyman_file=$__pyman_dir/.venv/pyvenv.cfg
            return 0
        fi
        [ -n "$__pyman_dir" ] || return 1
        __pyman_dir=${__pyman_dir%/*}
    done
}

# Whether the `.venv` in folder $1 counts; why it does not is said once.
__pyman_usable() {
    if [ "$_PYMAN_BIN" = "$1/.venv/bin" ] && [ "$__pyman_was" = "$1/.venv/pyvenv.cfg" ]; then
        return 0 # it was looked at when it was entered
    fi
    if [ "${1#*:}" != "$1" ]; then
        __pyman_why='cannot stand on PATH: there is a colon in its name'
    elif [ ! -x "$1/.venv/bin/python" ]; then
        __pyman_why='is passed over: its Python is gone'
    elif __pyman_safe "$1"; then
        return 0
    else
        __pyman_why='is passed over: others than you may write there, or it is not yours'
    fi
    if [ "${__pyman_named#*":$1:"}" = "$__pyman_named" ]; then
        __pyman_named=$__pyman_named$1:
        __pyman_say "$1/.venv" "$__pyman_why"
    fi
    return 1
}

# Whether the `.venv` in folder $1 and what it stands in belong to this user or root, and nobody else may write.
__pyman_safe() {
    __pyman_modes=$(
        CDPATH=''
        command cd -P -- "$1/" >/dev/null 2>&1 || exit 1
        set -- . .venv .venv/. .venv/.. .venv/bin/. .venv/pyvenv.cfg
        LC_ALL=C command -p ls -ldn "$@" 2>/dev/null || LC_ALL=C command ls -ldn "$@" 2>/dev/null
    ) || return 1
    while IFS=' ' read -r __pyman_mode __pyman_rest __pyman_uid __pyman_gid __pyman_rest; do
        [ "$__pyman_uid" = 0 ] || [ "$__pyman_uid" = "$__pyman_me" ] || return 1
        case $__pyman_mode in
            l*) ;; # whoever owns a link may change it, and nobody else
            ????????w* | ?????w*+) return 1 ;;
            ?????w*) [ "$__pyman_gid" = "$__pyman_own_group" ] || return 1 ;;
        esac
    done <<__PYMAN
$__pyman_modes
__PYMAN
    return 0
}

# The nearest lock, else the nearest version file that names a Python, else the user's own one.
__pyman_pin_above() {
    __pyman_holds=''
    ! __pyman_ground || __pyman_holds=1
    case ${PYMAN_NO_PROJECT-} in
        '' | 0 | false | no | off)
            __pyman_up pyman.lock || __pyman_up @NAMES@ || {
                [ -f "$__pyman_own_pin" ] && {
                    __pyman_up pyproject.toml setup.cfg || __pyman_asks "$__pyman_own_pin"
                }
            }
            ;;
        *) [ -f "$__pyman_own_pin" ] && __pyman_asks "$__pyman_own_pin" ;;
    esac
}

# Looks in the current folder and above for the first file of these names that asks for a Python.
__pyman_up() {
    __pyman_dir=$__pyman_here
    while :; do
        for __pyman_name in "$@"; do
            if [ -f "$__pyman_dir/$__pyman_name" ] && __pyman_asks "$__pyman_dir/$__pyman_name"; then
                return 0
            fi
        done
        [ -n "$__pyman_dir" ] || return 1
        __pyman_dir=${__pyman_dir%/*}
    done
}

# Whether the file $1 names a Python: __pyman_wanted is its `bin` then, or empty where there is none of pyman's.
__pyman_asks() {
    [ -r "$1" ] || return 1
    __pyman_file=$1
    if ! __pyman_remembered "$1"; then
        __pyman_ask "$1"
    elif [ "$__pyman_wanted" = - ]; then
        __pyman_wanted=''
        __pyman_over=${__pyman_over:-$1}
        __pyman_file=''
        return 1
    fi
    __pyman_tell "$1"
}

# Says once what is to be said of $1, a file.
__pyman_tell() {
    if [ -n "$__pyman_text" ] && [ "$__pyman_told" != "$1:$__pyman_text" ]; then
        printf 'pyman: %s\n' "$__pyman_text" >&2
    fi
    __pyman_told=$1:$__pyman_text
}

# Reads the answer about the file $1: the `bin`, `-`, or what is to be said; fails where it does not hold.
__pyman_remembered() {
    [ -n "$__pyman_holds" ] && [ ! -L "$1" ] || return 1
    __pyman_place=$__pyman_answers$1
    if [ "$1" = "$__pyman_own_pin" ]; then
        __pyman_place=$__pyman_answers/.none # the file itself is of the ground
    else
        [ -e "$__pyman_place" ] && __pyman_same "$1" "$__pyman_place" || return 1
    fi
    __pyman_with=''
    {
        IFS='' read -r __pyman_wanted || return 1
        IFS='' read -r __pyman_text || __pyman_text=''
        while IFS='' read -r __pyman_one; do
            __pyman_with=$__pyman_one # the last is the fourth, of a lock
            [ -n "$__pyman_wanted" ] || __pyman_text=$__pyman_text$__pyman_newline$__pyman_one
        done
    } 2>/dev/null <"$__pyman_place" || return 1
    case $__pyman_wanted in
        /*)
            [ -x "$__pyman_wanted/$__pyman_text" ] || return 1
            __pyman_text=''
            [ "${1##*/}" != pyman.lock ] || __pyman_agrees "$1" || return 1
            ;;
        -) ;;
        '') [ -z "${PYMAN_AUTO_INSTALL-}" ] && [ "${1##*/}" != pyman.lock ] || return 1 ;;
        *) return 1 ;;
    esac
    __pyman_tries=0
}

# Whether the version file that had a say with the lock $1 is the nearest that speaks, and as it was.
__pyman_agrees() {
    [ -z "$__pyman_with" ] || __pyman_same "$__pyman_with" "$__pyman_answers$1.with" || return 1
    __pyman_rest=$__pyman_here
    while :; do
        for __pyman_name in @NAMES@; do
            if [ -f "$__pyman_rest/$__pyman_name" ] && ! __pyman_silent "$__pyman_rest/$__pyman_name"; then
                [ "$__pyman_rest/$__pyman_name" = "$__pyman_with" ]
                return
            fi
        done
        [ -n "$__pyman_rest" ] || break
        __pyman_rest=${__pyman_rest%/*}
    done
    [ -z "$__pyman_with" ]
}

# Whether the version file $1 is known to name no Python.
__pyman_silent() {
    [ -e "$__pyman_answers$1" ] && __pyman_same "$1" "$__pyman_answers$1" || return 1
    IFS='' read -r __pyman_one 2>/dev/null <"$__pyman_answers$1" && [ "$__pyman_one" = - ]
}

# Asks which Python is meant here, and by which file; $1 is the one that was come upon. Where that cannot be
# remembered, nobody is asked for it again and again.
__pyman_ask() {
    if [ "$__pyman_asked" != "$PWD:$1" ]; then
        __pyman_tries=0
    elif [ "$__pyman_tries" -ge 5 ]; then
        __pyman_stamp=''
    fi
    __pyman_asked=$PWD:$1
    __pyman_tries=$((__pyman_tries + 1))
    __pyman_text=$(__pyman_run activate --ask </dev/null) || :
    __pyman_wanted=${__pyman_text%%"$__pyman_newline"*}
    __pyman_text=${__pyman_text#"$__pyman_wanted"}
    __pyman_text=${__pyman_text#"$__pyman_newline"}
    __pyman_one=${__pyman_text%%"$__pyman_newline"*}
    __pyman_text=${__pyman_text#"$__pyman_one"}
    __pyman_text=${__pyman_text#"$__pyman_newline"}
    __pyman_file=${__pyman_one:-$1}
}

# The command, which can change this shell besides.
__pyman_command() {
    __pyman_status=0
    if [ "${1-}" = shell ]; then
        shift
        __pyman_choose "$@" || __pyman_status=$?
    else
        command pyman "$@" || __pyman_status=$?
    fi
    __pyman_tries=0
    __pyman_look || :
    return "$__pyman_status"
}

__pyman_choose() {
    __pyman_text=$(
        export _PYMAN_HOOK=1
        command pyman shell "$@"
    ) || return
    if [ "${__pyman_text#_PYMAN_SHELL=}" != "$__pyman_text" ]; then
        export _PYMAN_SHELL="${__pyman_text#_PYMAN_SHELL=}"
    elif [ -n "$__pyman_text" ]; then
        printf '%s\n' "$__pyman_text"
    fi
}

# The Python that `pyman shell` has chosen: its `bin`, a colon, and the request.
__pyman_chosen() {
    __pyman_wanted=${_PYMAN_SHELL%%:*}
    __pyman_text=''
    if [ ! -d "$__pyman_wanted" ]; then
        __pyman_wanted=''
        __pyman_text="${_PYMAN_SHELL#*:}, which this shell has chosen, is gone: \`pyman shell --unset\`"
    fi
    __pyman_tell shell
}

__pyman_exe=@EXE@
__pyman_answers=@ANSWERS@
__pyman_touched=@STAMPS@/$$
__pyman_own_pin=@OWN_PIN@
__pyman_me=@UID@
__pyman_own_group=@GID@
__pyman_newline='
'
__pyman_pwd='' __pyman_stamp='' __pyman_path='' __pyman_file='' __pyman_over='' __pyman_asked='' __pyman_tries=0
__pyman_named=: __pyman_told='' __pyman_anew=1
__pyman_others=${VIRTUAL_ENV-}:${CONDA_PREFIX-}:${DIRENV_DIFF-}
: "${_PYMAN_BIN:=}" "${_PYMAN_OWN:=0}" "${_PYMAN_HAD:=:}"
