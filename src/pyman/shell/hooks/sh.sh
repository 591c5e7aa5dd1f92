# shellcheck shell=sh
# What any other POSIX shell has: nothing that is done at a prompt, but a function may stand for `cd`.
# They are made by eval, for a user's alias of that name would be expanded in `cd() {`.

# shellcheck source=posix.sh
. ./posix.sh

__pyman_moved() {
    command cd "$@" || return
    [ "$PWD" = "$__pyman_pwd" ] && [ "${PATH-}" = "$__pyman_path" ] && __pyman_fresh || __pyman_look || :
}

alias pyman >/dev/null 2>&1 || eval 'pyman() { __pyman_command "$@"; }'
case $- in
    *i*)
        alias cd >/dev/null 2>&1 || eval 'cd() { __pyman_moved "$@"; }'
        __pyman_look || :
        ;;
esac
