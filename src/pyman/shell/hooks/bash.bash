# shellcheck shell=bash
# What bash adds: PROMPT_COMMAND, in both its forms, and a `cd` after which the next command already has it.

__pyman_aliases=''
shopt -q expand_aliases && __pyman_aliases=1
shopt -u expand_aliases # a user's are not meant by what is defined here

# shellcheck source=posix.sh
. ./posix.sh

__pyman_prompt() {
    local status=$?
    if [ "$PWD" != "$__pyman_pwd" ] || [ "${PATH-}" != "$__pyman_path" ] || ! __pyman_fresh; then
        __pyman_look || :
    fi
    case $- in
        *e*) return 0 ;; # with `set -e` the shell would end
    esac
    return "$status"
}

# A subshell of a prompt or a completion, `$(cd … && pwd)`, asks nobody; PATH of `(cd … && python)` is right.
__pyman_moved() {
    local status=$?
    if [ "$status" -eq 0 ] && [ "$PWD" != "$__pyman_pwd" ] && [ "$BASH_SUBSHELL" -eq 0 ]; then
        __pyman_look || :
    fi
    return "$status"
}

function pyman {
    __pyman_command "$@"
}

case $- in
    *i*)
        if [ "$(type -t cd)" = builtin ]; then
            function cd { builtin cd "$@" && __pyman_moved; }
            function pushd { builtin pushd "$@" && __pyman_moved; }
            function popd { builtin popd "$@" && __pyman_moved; }
        fi
        # Last, for what direnv has changed at this prompt; what is set up later puts itself first.
        case "${PROMPT_COMMAND[*]-}" in
            *__pyman_prompt*) ;;
            '') PROMPT_COMMAND=__pyman_prompt ;;
            *)
                # With `set -u`, bash 5.2 knows no number of elements of what is no array.
                if [[ $(declare -p PROMPT_COMMAND) == 'declare -a'* ]]; then
                    PROMPT_COMMAND+=(__pyman_prompt)
                else
                    # shellcheck disable=SC2128,SC2178 # here it is no array
                    PROMPT_COMMAND=$PROMPT_COMMAND$'\n'__pyman_prompt
                fi
                ;;
        esac
        ;;
esac

[ -z "$__pyman_aliases" ] || shopt -s expand_aliases
