# The hook in fish; what it does is told in `posix.sh`. PATH is a list here, and `read`, `string`, `test` and
# `math` start no process.

function __pyman_run
    if test -x "$__pyman_exe"
        $__pyman_exe $argv
    else
        command pyman $argv
    end
end

# Prints where in PATH the entry $argv[1] stands that has $argv[2] of the same after it; fails where it does not.
function __pyman_at
    set -l left $argv[2]
    set -l place (count $PATH)
    while test $place -gt 0
        if test "$PATH[$place]" = "$argv[1]"
            if test $left -eq 0
                echo $place
                return 0
            end
            set left (math $left - 1)
        end
        set place (math $place - 1)
    end
    return 1
end

# Prints how often $argv[1] stands after place $argv[2] of PATH.
function __pyman_after
    set -l found 0
    set -l place (math $argv[2] + 1)
    while test $place -le (count $PATH)
        test "$PATH[$place]" = "$argv[1]"; and set found (math $found + 1)
        set place (math $place + 1)
    end
    echo $found
end

# Finds out where ours stands by now, when somebody has changed PATH: before and after all that was there, or a
# part of it, more of the same may have been put. Prints the place, and fails where it is gone.
function __pyman_settle
    set -l place (__pyman_place_in_old)
    if test -n "$place"
        set -l --path head $__pyman_path[1..$place]
        set -l --path tail $__pyman_path
        set -e tail[1..$place]
        set -l end (set -q tail[1]; and echo ":$_PYMAN_BIN:$tail:"; or echo ":$_PYMAN_BIN:")
        set -l all (string split -m 1 -- ":$__pyman_text_of_path:" ":$PATH:")
        set -l begun (string split -m 1 -- ":$head:" ":$PATH:")
        if set -q all[2]
            set -gx _PYMAN_OWN (math $_PYMAN_OWN + (__pyman_count "$all[2]"))
        else if test "$begun[1]" = ''; and not test (string sub -s -(string length -- $end) -- ":$PATH:") = $end
            set -gx _PYMAN_OWN (__pyman_count "$begun[2]")
        end
    end
    __pyman_at $_PYMAN_BIN $_PYMAN_OWN
end

# Prints how often ours stands in a part of PATH.
function __pyman_count
    set -l found 0
    for each in (string split : -- $argv[1])
        test "$each" = "$_PYMAN_BIN"; and set found (math $found + 1)
    end
    echo $found
end

function __pyman_place_in_old
    set -q __pyman_path[1]; or return
    set -l PATH $__pyman_path
    __pyman_at $_PYMAN_BIN $_PYMAN_OWN
end

# Puts $argv[1] first on PATH, after the `bin` of an environment that was activated by hand.
function __pyman_put
    set -l place 0
    set -l by_hand
    set -q VIRTUAL_ENV; and set -a by_hand "$VIRTUAL_ENV/bin"
    if set -q CONDA_PREFIX; and not contains -- "$CONDA_DEFAULT_ENV" '' base root
        set -a by_hand "$CONDA_PREFIX/bin"
    end
    for each in $by_hand
        set -l found (contains -i -- $each $PATH); and test $found -gt $place; and set place $found
    end
    if test $place -eq 0
        set -gx PATH $argv[1] $PATH
    else
        set -l rest $PATH
        set -e rest[1..$place]
        set -gx PATH $PATH[1..$place] $argv[1] $rest
    end
    set -gx _PYMAN_BIN $argv[1]
    set -gx _PYMAN_OWN (__pyman_after $argv[1] (math $place + 1))
    string match -q -- "*:$_PYMAN_OWN$argv[1]:*" ":$_PYMAN_HAD"
    or set -gx _PYMAN_HAD "$_PYMAN_HAD$_PYMAN_OWN$argv[1]:"
end

# What direnv or `deactivate` has put back, and was ours, goes again.
function __pyman_weed
    for each in (string split -n : -- $_PYMAN_HAD)
        set -l parts (string split -m 1 / -- $each)
        test "/$parts[2]" = "$_PYMAN_BIN"; and continue
        set -l place (__pyman_at "/$parts[2]" $parts[1]); and set -e PATH[$place]
    end
end

# Whether what was found still is: nothing of it has changed since the stamp, a file that this shell touches.
function __pyman_fresh
    test -n "$__pyman_stamp"; or return 0
    for each in $PWD $__pyman_file $__pyman_over @STORES@
        __pyman_older $each; or return 1
    end
    test -n "$__pyman_file"; or return 0
    test -f $__pyman_file; and __pyman_older (string replace -r '/[^/]*$' '' -- $__pyman_file)
end

# Whether $argv[1] is not there, or older than the stamp: what has the same time may have changed after it.
function __pyman_older
    not test -e "$argv[1]"; or test $__pyman_stamp -nt "$argv[1]"
end

# Whether two files have the same time, or neither is there.
function __pyman_same
    if test -e $argv[1]
        test -e $argv[2]; and not test $argv[1] -nt $argv[2]; and not test $argv[1] -ot $argv[2]
    else
        not test -e $argv[2]
    end
end

# Whether what all answers rest on is as it was when they were given.
function __pyman_ground
    test -O "$__pyman_answers"; and test -r $__pyman_answers/.ground; or return 1
    set -l lines (string split \n <$__pyman_answers/.ground)
    test "$lines[1]" = "@GROUND@"; or return 1
    set -e lines[1]
    set -l number 0
    for each in $lines
        set number (math $number + 1)
        __pyman_same $each $__pyman_answers/.ground.$number; or return 1
    end
end

# Finds which `bin` is wanted here, and lets PATH have it, and nothing else of ours.
function __pyman_look
    set -g __pyman_stamp $__pyman_touched
    echo 2>/dev/null >$__pyman_stamp; or set -g __pyman_stamp ''
    set -g __pyman_pwd $PWD
    set -g __pyman_was "$__pyman_file"
    set -g __pyman_wanted ''
    set -g __pyman_file ''
    set -g __pyman_over ''
    __pyman_locate
    if test -n "$_PYMAN_SHELL"
        __pyman_chosen
    else if __pyman_venv_above; or not __pyman_pin_above
        set -g __pyman_told ''
    end
    __pyman_apply
    set -g __pyman_path $PATH
    set -g __pyman_text_of_path "$PATH"
    set -g __pyman_others "$VIRTUAL_ENV:$CONDA_PREFIX:$DIRENV_DIFF"
end

function __pyman_apply
    set -l place
    test -n "$_PYMAN_BIN"; and set place (__pyman_settle)
    if test "$VIRTUAL_ENV:$CONDA_PREFIX:$DIRENV_DIFF" != "$__pyman_others"
        __pyman_weed
        test -n "$place"; and set place (__pyman_at $_PYMAN_BIN $_PYMAN_OWN)
    end
    if test -n "$place"
        test "$_PYMAN_BIN" != "$__pyman_wanted"; or test -n "$__pyman_anew"; or return 0
        set -e PATH[$place]
    end
    set -g __pyman_anew ''
    set -gx _PYMAN_BIN ''
    set -gx _PYMAN_OWN 0
    test -z "$__pyman_wanted"; or __pyman_put $__pyman_wanted
end

# Notes the current folder and those above it, without links in them; the root is empty.
function __pyman_locate
    set -g __pyman_folders
    set -l folder (path resolve -Z -- $PWD | string split0)
    while test -n "$folder"; and test "$folder" != /
        set -ga __pyman_folders $folder
        set folder (path dirname -Z -- $folder | string split0)
    end
    set -ga __pyman_folders ''
end

function __pyman_venv_above
    for folder in $__pyman_folders
        test -f "$folder/.venv/pyvenv.cfg"; and __pyman_usable $folder; or continue
        set -g __pyman_wanted $folder/.venv/bin
        set -g __pyman_file $folder/.venv/pyvenv.cfg
        return 0
    end
    return 1
end

# Whether the `.venv` in folder $argv[1] counts; why it does not is said once.
function __pyman_usable
    test "$_PYMAN_BIN" = "$argv[1]/.venv/bin"; and test "$__pyman_was" = "$argv[1]/.venv/pyvenv.cfg"; and return 0
    set -l why
    if string match -q '*:*' -- $argv[1]
        set why 'cannot stand on PATH: there is a colon in its name'
    else if not test -x "$argv[1]/.venv/bin/python"
        set why 'is passed over: its Python is gone'
    else if __pyman_safe $argv[1]
        return 0
    else
        set why 'is passed over: others than you may write there, or it is not yours'
    end
    contains -- $argv[1] $__pyman_named; and return 1
    set -ga __pyman_named $argv[1]
    if string match -q -r '[[:cntrl:]]' -- $argv[1]
        echo "pyman: .venv $why" >&2
    else
        echo "pyman: $argv[1]/.venv $why" >&2
    end
    return 1
end

# Whether the `.venv` in folder $argv[1] and what it stands in belong to this user or root, and nobody else may write.
function __pyman_safe
    set -l dir "$argv[1]/"
    set -l inside .venv .venv/. .venv/.. .venv/bin/. .venv/pyvenv.cfg
    set -l modes (LC_ALL=C command ls -ldn -- $dir. $dir$inside 2>/dev/null | string match -r '^[-a-zA-Z]{10}\S*\s+\d+\s+\d+\s+\d+\s')
    test (count $modes) -eq 6; or return 1
    for each in $modes
        set -l parts (string split -n ' ' -- $each)
        contains -- $parts[3] 0 @UID@; or return 1
        switch $parts[1]
            case 'l*'
            case '????????w*' '?????w*+'
                return 1
            case '?????w*'
                test $parts[4] = @GID@; or return 1
        end
    end
end

# The nearest lock, else the nearest version file that names a Python, else the user's own one.
function __pyman_pin_above
    set -g __pyman_holds ''
    __pyman_ground; and set -g __pyman_holds 1
    if contains -- "$PYMAN_NO_PROJECT" '' 0 false no off
        __pyman_up pyman.lock; and return
        __pyman_up @NAMES@; and return
        test -f $__pyman_own_pin; and __pyman_up pyproject.toml setup.cfg; and return
    end
    test -f $__pyman_own_pin; and __pyman_asks $__pyman_own_pin
end

function __pyman_up
    for folder in $__pyman_folders
        for name in $argv
            test -f "$folder/$name"; and __pyman_asks "$folder/$name"; and return 0
        end
    end
    return 1
end

# Whether the file $argv[1] names a Python: __pyman_wanted is its `bin` then, or empty where there is none of pyman's.
function __pyman_asks
    test -r $argv[1]; or return 1
    set -g __pyman_file $argv[1]
    if not __pyman_remembered $argv[1]
        __pyman_ask $argv[1]
    else if test "$__pyman_wanted" = -
        set -g __pyman_wanted ''
        set -g __pyman_over $argv[1]
        set -g __pyman_file ''
        return 1
    end
    __pyman_tell $argv[1]
end

# Says once what is to be said of $argv[1], a file.
function __pyman_tell
    if set -q __pyman_text[1]; and test "$__pyman_told" != "$argv[1]:$__pyman_text"
        printf 'pyman: %s\n' (string join \n -- $__pyman_text | string collect) >&2
    end
    set -g __pyman_told "$argv[1]:$__pyman_text"
end

# Reads the answer about the file $argv[1]: the `bin`, `-`, or what is to be said; fails where it does not hold.
function __pyman_remembered
    test -n "$__pyman_holds"; and not test -L $argv[1]; or return 1
    set -l place $__pyman_answers$argv[1]
    if test $argv[1] = $__pyman_own_pin
        set place $__pyman_answers/.none # the file itself is of the ground
    else
        test -e $place; and __pyman_same $argv[1] $place; or return 1
    end
    test -r $place; or return 1
    set -l lines (string split \n <$place)
    set -g __pyman_wanted "$lines[1]"
    set -g __pyman_text
    switch $__pyman_wanted
        case '/*'
            test -x "$__pyman_wanted/$lines[2]"; or return 1
            if test (path basename -- $argv[1]) = pyman.lock
                __pyman_agrees $argv[1] "$lines[4]"; or return 1
            end
        case -
        case ''
            test -z "$PYMAN_AUTO_INSTALL"; and not string match -q '*/pyman.lock' -- $argv[1]; or return 1
            set -g __pyman_text $lines[2..-1]
        case '*'
            return 1
    end
    set -g __pyman_tries 0
end

# Whether the version file $argv[2] that had a say with the lock $argv[1] is the nearest that speaks, and as it was.
function __pyman_agrees
    test -z "$argv[2]"; or __pyman_same $argv[2] $__pyman_answers$argv[1].with; or return 1
    for folder in $__pyman_folders
        for name in @NAMES@
            test -f "$folder/$name"; and not __pyman_silent "$folder/$name"; or continue
            test "$folder/$name" = "$argv[2]"
            return
        end
    end
    test -z "$argv[2]"
end

# Whether the version file $argv[1] is known to name no Python.
function __pyman_silent
    test -r $__pyman_answers$argv[1]; and __pyman_same $argv[1] $__pyman_answers$argv[1]; or return 1
    set -l lines (string split \n <$__pyman_answers$argv[1])
    test "$lines[1]" = -
end

# Asks which Python is meant here, and by which file; $argv[1] is the one that was come upon.
function __pyman_ask
    if test "$__pyman_asked" != "$PWD:$argv[1]"
        set -g __pyman_tries 0
    else if test $__pyman_tries -ge 5
        set -g __pyman_stamp ''
    end
    set -g __pyman_asked "$PWD:$argv[1]"
    set -g __pyman_tries (math $__pyman_tries + 1)
    set -l lines (__pyman_run activate --ask </dev/null)
    set -g __pyman_wanted "$lines[1]"
    set -g __pyman_file "$lines[2]"
    test -n "$__pyman_file"; or set -g __pyman_file $argv[1]
    set -g __pyman_text $lines[3..-1]
    test "$__pyman_text" != ''; or set -g __pyman_text
end

# The Python that `pyman shell` has chosen: its `bin`, a colon, and the request.
function __pyman_chosen
    set -l parts (string split -m 1 : -- $_PYMAN_SHELL)
    set -g __pyman_wanted $parts[1]
    set -g __pyman_text
    if not test -d "$__pyman_wanted"
        set -g __pyman_wanted ''
        set -g __pyman_text "$parts[2], which this shell has chosen, is gone: `pyman shell --unset`"
    end
    __pyman_tell shell
end

# The command, which can change this shell besides.
function pyman --description 'Install and manage Python versions'
    set -l code 0
    if test "$argv[1]" = shell
        set -l lines (_PYMAN_HOOK=1 command pyman $argv)
        set code $status
        if test $code -eq 0; and string match -q '_PYMAN_SHELL=*' -- "$lines[1]"
            set -gx _PYMAN_SHELL (string replace _PYMAN_SHELL= '' -- $lines[1])
        else if set -q lines[1]
            printf '%s\n' $lines
        end
    else
        command pyman $argv
        set code $status
    end
    set -g __pyman_tries 0
    __pyman_look
    return $code
end

function __pyman_prompt
    if test "$PWD" != "$__pyman_pwd"; or test "$PATH" != "$__pyman_text_of_path"; or not __pyman_fresh
        __pyman_look
    end
end

set -g __pyman_exe @EXE@
set -g __pyman_answers @ANSWERS@
set -g __pyman_touched @STAMPS@/$fish_pid
set -g __pyman_own_pin @OWN_PIN@
set -g __pyman_pwd ''
set -g __pyman_path
set -g __pyman_text_of_path ''
set -g __pyman_stamp ''
set -g __pyman_file ''
set -g __pyman_over ''
set -g __pyman_asked ''
set -g __pyman_tries 0
set -g __pyman_named
set -g __pyman_text
set -g __pyman_told ''
set -g __pyman_anew 1
set -g __pyman_others "$VIRTUAL_ENV:$CONDA_PREFIX:$DIRENV_DIFF"
set -q _PYMAN_BIN; or set -gx _PYMAN_BIN ''
set -q _PYMAN_OWN; or set -gx _PYMAN_OWN 0
set -q _PYMAN_HAD; or set -gx _PYMAN_HAD :

if status is-interactive
    function __pyman_moved --on-variable PWD
        status is-command-substitution; or test "$PWD" = "$__pyman_pwd"; or __pyman_look
    end

    # Last of those that do something at a prompt, for what direnv has changed there.
    function __pyman_begin --on-event fish_prompt
        functions -e __pyman_begin __pyman_at_prompt
        function __pyman_at_prompt --on-event fish_prompt
            __pyman_prompt
        end
        __pyman_prompt
    end
end
