# What zsh adds: its own lists of what is done at a prompt and in another folder.

__pyman_prompt() {
    [[ $PWD == "$__pyman_pwd" && ${PATH-} == "$__pyman_path" ]] && __pyman_fresh || __pyman_look || :
}

# A subshell of a prompt or a completion, `$(cd … && pwd)`, asks nobody.
__pyman_moved() {
    [[ $ZSH_SUBSHELL -ne 0 || $PWD == "$__pyman_pwd" ]] || __pyman_look || :
}

function pyman {
    __pyman_command "$@"
}

if [[ -o interactive ]]; then
    typeset -ga precmd_functions chpwd_functions
    # Last, for what direnv has changed at this prompt; what is set up later puts itself first.
    (( ${precmd_functions[(I)__pyman_prompt]} )) || precmd_functions+=(__pyman_prompt)
    (( ${chpwd_functions[(I)__pyman_moved]} )) || chpwd_functions+=(__pyman_moved)
fi
