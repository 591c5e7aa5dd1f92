#!/bin/sh
# pyman's shim: starts the Python that is meant where it is called. `pyman shims off` removes it.
#
# Nothing is started for it but that Python: what pyman has found the files here to ask for is written down in
# the user's cache (`pyman help project` tells of it), and counts while all it rests on has the times that it had.
# Where nothing is written down pyman is asked, and starts that Python itself. No file of a project is read here.
# dash, bash, busybox and ksh all know `test -O`, `-nt`, `-ot` and `-ef`.
# shellcheck disable=SC3067

_pyman_home=@HOME@
_pyman_cache=@CACHE@
_pyman_own=@ANSWERS@ # of who has made the shim; others have theirs at the same place below their home
_pyman_places=@PLACES@
_pyman_store=@STORE@ # where it is not the usual one: cron and `env -i` have no variable that tells
[ "${XDG_DATA_HOME-}" != @DATA@ ] || _pyman_store=''
_pyman_name=${0##*/}
unset -f cd read printf 2>/dev/null # a user may have functions of these names, and hand them down

# Become pyman, which decides, remembers what it decided, and starts it.
ask() {
    if [ -n "${_PYMAN_SHIM-}" ]; then
        printf 'error: pyman is to be started by the shim %s, which asks pyman what to start\n' "$0" >&2
        printf 'hint: let the first line of pyman name its own Python, or take %s from PATH.\n' "${0%/*}" >&2
        exit 1
    fi
    if ! [ -x @PYMAN@ ]; then
        printf 'error: the shim %s cannot ask pyman: there is no %s that may be run\n' "$0" @PYMAN@ >&2
        printf 'hint: "pyman shims on" makes it anew, with another pyman; or take %s from PATH.\n' "${0%/*}" >&2
        exit 1
    fi
    export _PYMAN_SHIM="$0" _PYMAN_STORE="$_pyman_store"
    exec @COMMAND@ shims start "$_pyman_name" "$@"
}

# Whether a file has the time that is written down for it, or neither is there.
same() {
    if [ -e "$1" ]; then
        [ -e "$2" ] && ! [ "$1" -nt "$2" ] && ! [ "$1" -ot "$2" ]
    else
        ! [ -e "$2" ]
    fi
}

# Whether what all answers rest on is as it was; read from its file.
stands() {
    IFS= read -r _pyman_told || return 1
    _pyman_now="${PYMAN_HOME:-$_pyman_store}|${PYMAN_SYSTEM_HOME-}|${PYMAN_TARGET-}|${PYMAN_NO_PROJECT-}|${PYMAN_SITE_CONFIG-}"
    [ "$_pyman_told" = "$_pyman_now|${XDG_DATA_HOME-}|${XDG_CONFIG_HOME-}|${HOME-$_pyman_home}" ] || return 1
    _pyman_number=0
    while IFS= read -r _pyman_path; do
        _pyman_number=$((_pyman_number + 1))
        same "$_pyman_path" "$_pyman_answers/.ground.$_pyman_number" || return 1
    done
}

# Read an answer: the folder, the program in it, what that is called everywhere, the file that had a say as well.
read_answer() {
    _pyman_bin='' _pyman_program='' _pyman_called='' _pyman_beside=''
    if [ -f "$1" ]; then
        {
            IFS= read -r _pyman_bin && IFS= read -r _pyman_program && IFS= read -r _pyman_called && IFS= read -r _pyman_beside
        } <"$1" || :
    fi
}

# Whether pyman has said what a file asks for. It has not where a link has its name: that may lead elsewhere.
known() {
    [ -f "$_pyman_answers$1" ] && ! [ -L "$1" ] && same "$1" "$_pyman_answers$1" && read_answer "$_pyman_answers$1"
}

# Whether a file is there, and is one; what it asks for is then known or not.
met() {
    [ -f "$1" ] && [ -r "$1" ]
}

# Find the current folder by its path without links: in $_pyman_where.
locate() {
    _pyman_where=$PWD
    if [ "$PWD" -ef . ]; then
        case $PWD/ in
            //) return ;;
            *//* | */./* | */../*) ;;
            /*)
                while [ -n "$_pyman_where" ] && ! [ -L "$_pyman_where" ]; do
                    _pyman_where=${_pyman_where%/*}
                done
                if [ -z "$_pyman_where" ]; then
                    _pyman_where=$PWD
                    return
                fi
                ;;
        esac
    fi
    # Others are to see the variables as they were.
    _pyman_told=$PWD
    if [ -n "${OLDPWD+is set}" ]; then
        _pyman_before=$OLDPWD
        cd -P . 2>/dev/null || return 1
        OLDPWD=$_pyman_before
    else
        cd -P . 2>/dev/null || return 1
        unset OLDPWD
    fi
    _pyman_where=$PWD
    PWD=$_pyman_told
    [ "$_pyman_where" -ef . ]
}

# Look at the files here and above, as pyman does: see src/pyman/remembered/trail.py. Fails if it has to be asked.
look_around() {
    _pyman_folder=${_pyman_where%/} _pyman_lock='' _pyman_version='' _pyman_required=''
    while :; do
        if [ -r "$_pyman_folder/.venv/pyvenv.cfg" ]; then
            # Whether others may write there pyman has seen; a folder that others put there since is theirs.
            [ -O "$_pyman_folder/.venv" ] && [ -O "$_pyman_folder/.venv/bin" ] &&
                known "$_pyman_folder/.venv/pyvenv.cfg"
            return
        fi
        if [ -z "$_pyman_lock" ] && met "$_pyman_folder/pyman.lock"; then
            _pyman_lock=$_pyman_folder/pyman.lock
        fi
        if [ -z "$_pyman_version" ]; then
            look_for @VERSIONS@
            _pyman_version=$_pyman_found
        fi
        if [ -z "$_pyman_version$_pyman_required" ]; then
            look_for @REQUIREMENTS@
            _pyman_required=$_pyman_found
        fi
        [ -n "$_pyman_folder" ] || break
        _pyman_folder=${_pyman_folder%/*}
    done
    if [ -n "$_pyman_lock" ]; then
        known "$_pyman_lock" && [ "$_pyman_beside" = "$_pyman_version" ] || return 1
        [ -z "$_pyman_version" ] || same "$_pyman_version" "$_pyman_answers$_pyman_lock.with"
    elif [ -n "$_pyman_version$_pyman_required" ]; then
        known "${_pyman_version:-$_pyman_required}"
    else
        read_answer "$_pyman_answers/.none"
    fi
}

# Find the first of these files that is in the folder and not known to name no Python: $_pyman_found, or nothing.
look_for() {
    for _pyman_file in "$@"; do
        _pyman_found=$_pyman_folder/$_pyman_file
        if met "$_pyman_found" && ! { known "$_pyman_found" && [ "$_pyman_bin" = - ]; }; then
            return
        fi
    done
    _pyman_found=''
}

# Find what is meant: $_pyman_program in $_pyman_bin. Fails if pyman has to be asked.
choose() {
    if [ -n "${VIRTUAL_ENV-}" ]; then
        _pyman_bin=$VIRTUAL_ENV/bin _pyman_program=python _pyman_called=''
        return
    fi
    if [ -n "${CONDA_PREFIX-}" ]; then
        case ${CONDA_DEFAULT_ENV-base} in
            base | root) ;;
            *) return 1 ;;
        esac
    fi
    if [ "${HOME-$_pyman_home}:${XDG_CACHE_HOME-}" = "$_pyman_places" ]; then
        _pyman_answers=$_pyman_own
    else
        _pyman_answers=${XDG_CACHE_HOME:-${HOME-$_pyman_home}/$_pyman_cache}/pyman/answers
    fi
    [ -O "$_pyman_answers" ] && [ -f "$_pyman_answers/.ground" ] && stands <"$_pyman_answers/.ground" && locate && look_around
}

choose || ask "$@"
case $_pyman_name in
    python | python3) ;;
    pip | pip3) _pyman_program=$_pyman_name ;;
    *)
        if [ "$_pyman_called" != "$_pyman_name" ]; then
            [ -z "${VIRTUAL_ENV-}" ] || ask "$@"
            read_answer "$_pyman_answers/.named/$_pyman_name"
        fi
        ;;
esac
case $_pyman_bin in
    /*) ;;
    *) ask "$@" ;;
esac
if ! [ -f "$_pyman_bin/$_pyman_program" ] || ! [ -x "$_pyman_bin/$_pyman_program" ] || [ "$_pyman_bin/$_pyman_program" -ef "$0" ]; then
    ask "$@"
fi
exec "$_pyman_bin/$_pyman_program" "$@"
