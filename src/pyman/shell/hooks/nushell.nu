# The hook in nushell; what it does is told in `posix.sh`. What it knows is a record, which no program is given.

def --wrapped __pyman_run [...words: string] {
    if (@EXE@ | is-not-empty) and (@EXE@ | path exists) { ^@EXE@ ...$words } else { ^pyman ...$words }
}

def __pyman_entries [] { let path = $env.PATH; if ($path | describe) == string { $path | split row (char esep) } else { $path } }

# When a file was changed; nothing where there is none.
def __pyman_time [file: string] {
    try { ls -aD ($file | str replace -r '(?s)^(.*)$' '$1') | get 0.modified } catch { null }
}

# The places in PATH at which an entry stands.
def __pyman_places [entries: list, entry: string] {
    $entries | enumerate | where item == $entry | get index
}

# Where in PATH ours stands by now: -1 where it is gone. Before and after all that was there, or a part of it, more of
# the same may have been put.
def __pyman_settle [] {
    let now = (__pyman_entries)
    let ours = $env._PYMAN_BIN
    let old = $env.__pyman.path
    let here = (__pyman_places $old $ours | reverse | get -o ($env._PYMAN_OWN | into int))
    if $here != null {
        let most = (($now | length) - ($old | length))
        let shift = (if $most < 0 { null } else { 0..$most | where {|it| ($now | skip $it | first ($old | length)) == $old } | get -o 0 })
        if $shift != null { return ($shift + $here) }
        let place = $most + $here
        if $place >= 0 and ($now | skip $place) == ($old | skip $here) { return $place }
        if ($now | first ([$here ($now | length)] | math min)) == ($old | first $here) and ($now | get -o $here) == $ours { return $here }
    }
    __pyman_places $now $ours | reverse | get -o ($env._PYMAN_OWN | into int) | default (-1)
}

# PATH without the entry at a place.
def __pyman_without [place: int] { let now = (__pyman_entries); ($now | first $place) ++ ($now | skip ($place + 1)) }

# Puts an entry first on PATH, after the `bin` of an environment that was activated by hand.
def --env __pyman_put [entry: string] {
    let now = (__pyman_entries)
    let conda = ($env.CONDA_DEFAULT_ENV? | default base) not-in [base root '']
    let hands = ([$env.VIRTUAL_ENV? (if $conda { $env.CONDA_PREFIX? })] | compact -e | each {|it| $"($it)/bin" })
    let place = ($hands | each {|it| __pyman_places $now $it | get -o 0 } | compact | append (-1) | math max) + 1
    $env.PATH = ($now | first $place) ++ [$entry] ++ ($now | skip $place)
    $env._PYMAN_BIN = $entry
    $env._PYMAN_OWN = (__pyman_places ($now | skip $place) $entry | length | into string)
    let had = $"($env._PYMAN_OWN)($entry)"
    if $had not-in ($env._PYMAN_HAD | split row ':') { $env._PYMAN_HAD = $"($env._PYMAN_HAD)($had):" }
}

# What direnv or `deactivate` has put back, and was ours, goes again.
def --env __pyman_weed [] {
    for each in ($env._PYMAN_HAD | split row ':' | compact -e) {
        let parts = ($each | parse -r '(?s)^(?<own>\d+)(?<entry>/.*)$' | first)
        if $parts.entry != $env._PYMAN_BIN {
            let place = (__pyman_places (__pyman_entries) $parts.entry | reverse | get -o ($parts.own | into int))
            if $place != null { $env.PATH = (__pyman_without $place) }
        }
    }
}

def __pyman_others [] { $"($env.VIRTUAL_ENV?):($env.CONDA_PREFIX?):($env.DIRENV_DIFF?)" }

# The current folder and those above it, without links in them; the root is empty.
def __pyman_folders [] {
    mut folder = ($env.PWD | path expand)
    mut all = []
    while $folder != '/' { $all = ($all | append $folder); $folder = ($folder | path dirname) }
    $all | append ''
}

# What was found, and when each of it was changed: what is compared at a prompt.
def __pyman_marks [] {
    let file = $env.__pyman.file
    let folder = (if ($file | is-empty) { '' } else { $file | path dirname })
    [$env.PWD $file $folder $env.__pyman.over @STORES@] | each {|it| if ($it | is-empty) { null } else { __pyman_time $it } }
}

# Whether what all answers rest on is as it was when they were given.
def __pyman_ground [] {
    let ground = @ANSWERS@ + '/.ground'
    if not ($ground | path exists) { return false }
    let told = (open --raw $ground | decode | lines)
    let mine = ("@GROUND@" | split row ' ' | each {|it| $env | get -o $it | default '' } | str join '|')
    if ($told | first) != $mine { return false }
    $told | skip 1 | enumerate | all {|it| (__pyman_time $it.item) == (__pyman_time $"($ground).($it.index + 1)") }
}

# The lines of the answer about a file, which fits as long as the file is as it was; nothing where it does not.
def __pyman_remembered [file: string] {
    let own = $file == @OWN_PIN@
    let place = @ANSWERS@ + (if $own { '/.none' } else { $file })
    if not ($place | path exists) or ($file | path type) == symlink { return null }
    if not $own and (__pyman_time $file) != (__pyman_time $place) { return null }
    let lines = (open --raw $place | decode | lines)
    let first = ($lines | get -o 0 | default '')
    let is_lock = ($file | path basename) == 'pyman.lock'
    if $first == '-' { return {bin: '-', text: ''} }
    if ($first | str starts-with '/') {
        if not ($"($first)/($lines | get -o 1 | default '')" | path exists) { return null }
        if $is_lock { return null } # which version file has a say with it pyman tells
        return {bin: $first, text: ''}
    }
    if ($first | is-not-empty) or $is_lock or ($env.PYMAN_AUTO_INSTALL? | is-not-empty) { return null }
    {bin: '', text: ($lines | skip 1 | str join "\n")}
}

# Asks which Python is meant here, and by which file; `file` is the one that was come upon.
def __pyman_ask [file: string] {
    let lines = (__pyman_run activate --ask | lines)
    let by = ($lines | get -o 1 | default '')
    {
        bin: ($lines | get -o 0 | default '')
        file: (if ($by | is-empty) { $file } else { $by })
        text: ($lines | skip 2 | str join "\n")
    }
}

# What the first of these files asks for that is met on the way up, and which were passed over; nothing if none does.
def __pyman_up [names: list, holds: bool] {
    for folder in (__pyman_folders) {
        for name in $names {
            let file = $"($folder)/($name)"
            if ($file | path exists) and ($file | path expand | path type) == file {
                let answer = (if $holds { __pyman_remembered $file } else { null })
                if $answer == null { return (__pyman_ask $file) }
                if $answer.bin != '-' { return ($answer | insert file $file) }
            }
        }
    }
    null
}

def __pyman_pin_above [] {
    let holds = (__pyman_ground)
    let in_project = ($env.PYMAN_NO_PROJECT? | default '') in ['' '0' false no off]
    if $in_project {
        let found = (__pyman_up ['pyman.lock'] $holds | default { __pyman_up [@NAMES@] $holds })
        if $found != null { return $found }
    }
    if not (@OWN_PIN@ | path exists) { return null }
    if $in_project {
        let project = (__pyman_up ['pyproject.toml' 'setup.cfg'] $holds)
        if $project != null { return $project }
    }
    let answer = (if $holds { __pyman_remembered @OWN_PIN@ } else { null })
    if $answer == null { __pyman_ask @OWN_PIN@ } else { $answer | insert file @OWN_PIN@ }
}

# Why the `.venv` in a folder does not count; empty if it does.
def __pyman_doubt [folder: string] {
    if $env._PYMAN_BIN == $"($folder)/.venv/bin" and $env.__pyman.file == $"($folder)/.venv/pyvenv.cfg" { return '' }
    if ($folder | str contains ':') { return 'cannot stand on PATH: there is a colon in its name' }
    if not ($"($folder)/.venv/bin/python" | path exists) { return 'is passed over: its Python is gone' }
    let places = (['.' '.venv' '.venv/.' '.venv/..' '.venv/bin/.' '.venv/pyvenv.cfg'] | each {|it| $"($folder)/($it)" })
    let modes = (try { with-env {LC_ALL: C} { ^ls -ldn -- ...$places } | lines
        | parse -r '^(?<mode>[-a-zA-Z]{10}\S*)\s+\d+\s+(?<uid>\d+)\s+(?<gid>\d+)\s' } catch { [] })
    let bad = ($modes | any {|it| $it.uid not-in ['0' '@UID@'] or (
        not ($it.mode starts-with 'l') and (
            ($it.mode | str substring 8..8) == 'w'
            or (($it.mode | str substring 5..5) == 'w' and ($it.gid != '@GID@' or ($it.mode ends-with '+')))
        )
    ) })
    if ($modes | length) == ($places | length) and not $bad { return '' }
    'is passed over: others than you may write there, or it is not yours'
}

# The nearest `.venv` that counts; why one does not is said once.
def --env __pyman_venv_above [] {
    for folder in (__pyman_folders) {
        if ($"($folder)/.venv/pyvenv.cfg" | path exists) {
            let why = (__pyman_doubt $folder)
            if ($why | is-empty) { return $folder }
            if $folder not-in $env.__pyman.named {
                $env.__pyman.named = ($env.__pyman.named | append $folder)
                print -e $"pyman: ($folder | str replace -ar '[[:cntrl:]]' '?')/.venv ($why)"
            }
        }
    }
    null
}

# Says once what is to be said of a file.
def --env __pyman_tell [file: string, text: string] {
    if ($text | is-not-empty) and $env.__pyman.told != $"($file):($text)" { print -e $"pyman: ($text)" }
    $env.__pyman.told = $"($file):($text)"
}

# Finds which `bin` is wanted here, and lets PATH have it, and nothing else of ours.
def --env __pyman_look [] {
    $env.__pyman.pwd = $env.PWD
    mut wanted = ''
    mut file = ''
    if ($env._PYMAN_SHELL? | is-not-empty) {
        let parts = ($env._PYMAN_SHELL | split row -n 2 ':')
        let is_there = ($parts.0 | path exists)
        if $is_there { $wanted = $parts.0 }
        __pyman_tell shell (if $is_there { '' } else { $"($parts.1), which this shell has chosen, is gone: `pyman shell --unset`" })
    } else {
        let folder = (__pyman_venv_above)
        let found = (if $folder == null { __pyman_pin_above } else { null })
        if $folder != null {
            $wanted = $"($folder)/.venv/bin"
            $file = $"($folder)/.venv/pyvenv.cfg"
        }
        if $found == null { $env.__pyman.told = '' } else {
            $wanted = $found.bin
            $file = $found.file
            __pyman_tell $file $found.text
        }
    }
    $env.__pyman.file = $file
    __pyman_apply $wanted
    $env.__pyman.path = (__pyman_entries)
    $env.__pyman.others = (__pyman_others)
    $env.__pyman.marks = (__pyman_marks)
}

def --env __pyman_apply [wanted: string] {
    mut place = (if ($env._PYMAN_BIN | is-empty) { -1 } else { __pyman_settle })
    if (__pyman_others) != $env.__pyman.others {
        __pyman_weed
        if $place >= 0 { $place = (__pyman_settle) }
    }
    if $place >= 0 {
        $env._PYMAN_OWN = (__pyman_places (__pyman_entries | skip ($place + 1)) $env._PYMAN_BIN | length | into string)
        if $env._PYMAN_BIN == $wanted and not $env.__pyman.anew { return }
        $env.PATH = (__pyman_without $place)
    }
    $env.__pyman.anew = false
    $env._PYMAN_BIN = ''
    $env._PYMAN_OWN = '0'
    if ($wanted | is-not-empty) { __pyman_put $wanted }
}

def --env __pyman_prompt [] {
    if $env.PWD != $env.__pyman.pwd or (__pyman_entries) != $env.__pyman.path or (__pyman_marks) != $env.__pyman.marks {
        __pyman_look
    }
}

# Install and manage Python versions: the command, which can change this shell besides.
def --env --wrapped pyman [...words: string] {
    mut code = 0
    if ($words | get -o 0) == shell {
        let done = (with-env {_PYMAN_HOOK: '1'} { try { {said: (^pyman ...$words), code: 0} } catch {|it| {said: '', code: ($it.exit_code? | default 1)} } })
        let said = ($done.said | str trim -r -c "\n")
        $code = $done.code
        if ($said | str starts-with '_PYMAN_SHELL=') {
            $env._PYMAN_SHELL = ($said | str replace '_PYMAN_SHELL=' '')
        } else if ($said | is-not-empty) { print $said }
    } else {
        $code = (try { ^pyman ...$words; 0 } catch {|it| $it.exit_code? | default 1 })
    }
    __pyman_look
    $env.LAST_EXIT_CODE = $code
}

$env._PYMAN_BIN = ($env._PYMAN_BIN? | default '')
$env._PYMAN_OWN = ($env._PYMAN_OWN? | default '0')
$env._PYMAN_HAD = ($env._PYMAN_HAD? | default ':')
$env.__pyman = {
    pwd: '', path: [], file: '', over: '', marks: [], named: [], told: '', anew: true, others: (__pyman_others)
}
if $nu.is-interactive and not ($env.__pyman_is_on? | default false) {
    $env.__pyman_is_on = true
    $env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | append {|| __pyman_prompt })
}
