# The hook in PowerShell 5.1 and later; what it does is told in `posix.sh`. What it knows is in one variable.

$global:__pyman = @{
    Pwd = ''; Path = ''; File = ''; Over = ''; Marks = ''; Named = @(); Told = ''; Anew = $true
    Others = "${env:VIRTUAL_ENV}:${env:CONDA_PREFIX}:${env:DIRENV_DIFF}"
    Exe = @EXE@; Answers = @ANSWERS@; OwnPin = @OWN_PIN@
    Separator = [string][IO.Path]::PathSeparator
    Bin = if ($env:OS -eq 'Windows_NT') { 'Scripts' } else { 'bin' }
    Windows = $env:OS -eq 'Windows_NT'
}

function global:__pyman_run {
    if ($__pyman.Exe -and (Test-Path -LiteralPath $__pyman.Exe -PathType Leaf)) { & $__pyman.Exe @args }
    else { & (Get-Command -CommandType Application -Name pyman)[0] @args }
}

function global:__pyman_entries { , @($env:PATH -split [regex]::Escape($__pyman.Separator)) }

# When a file was changed, as a number; 0 where there is none.
function global:__pyman_time($file) {
    if (-not $file) { return 0 }
    if ([IO.File]::Exists($file)) { return [IO.File]::GetLastWriteTimeUtc($file).Ticks }
    if ([IO.Directory]::Exists($file)) { return [IO.Directory]::GetLastWriteTimeUtc($file).Ticks }
    return 0
}

# Where in the entries one stands that has so many of the same after it; -1 where it does not.
function global:__pyman_at($entries, $entry, [int]$after) {
    for ($place = $entries.Count - 1; $place -ge 0; $place--) {
        if ($entries[$place] -ceq $entry) {
            if ($after -eq 0) { return $place }
            $after--
        }
    }
    return -1
}

# The entries from one place up to before another, as PATH has them.
function global:__pyman_part($entries, [int]$from, [int]$to) {
    if ($from -ge $to) { return '' }
    return ($entries[$from..($to - 1)] -join $__pyman.Separator)
}

# Notes how many of the same stand after ours, which is at that place, and gives the place.
function global:__pyman_own($entries, [int]$place) {
    $own = 0
    for ($each = $place + 1; $each -lt $entries.Count; $each++) { if ($entries[$each] -ceq $env:_PYMAN_BIN) { $own++ } }
    $env:_PYMAN_OWN = [string]$own
    return $place
}

# Where ours stands by now: before or after all that was there more of the same may have been put.
function global:__pyman_settle {
    $now = __pyman_entries
    $old = @($__pyman.Path -split [regex]::Escape($__pyman.Separator))
    $ours = $env:_PYMAN_BIN
    $here = __pyman_at $old $ours $env:_PYMAN_OWN
    if ($here -ge 0) {
        $all = __pyman_part $old 0 $old.Count
        for ($shift = 0; $shift -le $now.Count - $old.Count; $shift++) {
            if ((__pyman_part $now $shift ($shift + $old.Count)) -ceq $all) { return __pyman_own $now ($shift + $here) }
        }
        $place = $now.Count - $old.Count + $here
        $rest = __pyman_part $old ($here + 1) $old.Count
        if ($place -ge 0 -and $now[$place] -ceq $ours -and (__pyman_part $now ($place + 1) $now.Count) -ceq $rest) {
            return $place
        }
        $before = __pyman_part $old 0 $here
        if ($here -lt $now.Count -and $now[$here] -ceq $ours -and (__pyman_part $now 0 $here) -ceq $before) {
            return __pyman_own $now $here
        }
    }
    return __pyman_at $now $ours $env:_PYMAN_OWN
}

function global:__pyman_take([int]$place) {
    $now = __pyman_entries
    $kept = for ($each = 0; $each -lt $now.Count; $each++) { if ($each -ne $place) { $now[$each] } }
    $env:PATH = @($kept) -join $__pyman.Separator
}

# Puts an entry first on PATH, after that of an environment that was activated by hand.
function global:__pyman_put($entry) {
    $now = __pyman_entries
    $hands = @($env:VIRTUAL_ENV)
    if ($env:CONDA_DEFAULT_ENV -and 'base', 'root' -cnotcontains $env:CONDA_DEFAULT_ENV) { $hands += $env:CONDA_PREFIX }
    $place = 0
    foreach ($hand in $hands) {
        if ($hand) {
            $found = [array]::IndexOf($now, [IO.Path]::Combine($hand, $__pyman.Bin))
            if ($found -ge $place) { $place = $found + 1 }
        }
    }
    $parts = @((__pyman_part $now 0 $place), $entry, (__pyman_part $now $place $now.Count)) | Where-Object { $_ }
    $env:PATH = $parts -join $__pyman.Separator
    $env:_PYMAN_BIN = $entry
    $own = 0
    for ($each = $place; $each -lt $now.Count; $each++) { if ($now[$each] -ceq $entry) { $own++ } }
    $env:_PYMAN_OWN = [string]$own
    if (@($env:_PYMAN_HAD -split '\|') -cnotcontains "$own>$entry") { $env:_PYMAN_HAD += "|$own>$entry" }
}

# What direnv or `deactivate` has put back, and was ours, goes again.
function global:__pyman_weed {
    foreach ($each in @($env:_PYMAN_HAD -split '\|')) {
        $own, $entry = $each -split '>', 2
        if ($entry -and $entry -cne $env:_PYMAN_BIN) {
            $place = __pyman_at (__pyman_entries) $entry $own
            if ($place -ge 0) { __pyman_take $place }
        }
    }
}

# The current folder of the file system and those above it.
function global:__pyman_folders {
    $folder = $PWD.ProviderPath
    while ($folder) { $folder; $folder = [IO.Path]::GetDirectoryName($folder) }
}

function global:__pyman_marks {
    $file = $__pyman.File
    $places = @($PWD.ProviderPath, $file, $(if ($file) { [IO.Path]::GetDirectoryName($file) }), $__pyman.Over)
    return (($places + @(@STORES@)) | ForEach-Object { __pyman_time $_ }) -join ' '
}

# Whether what all answers rest on is as it was when they were given.
function global:__pyman_ground {
    $ground = [IO.Path]::Combine($__pyman.Answers, '.ground')
    if (-not [IO.File]::Exists($ground)) { return $false }
    $lines = [IO.File]::ReadAllLines($ground)
    if ($lines[0] -cne "@GROUND@") { return $false }
    for ($each = 1; $each -lt $lines.Count; $each++) {
        if ((__pyman_time $lines[$each]) -ne (__pyman_time "$ground.$each")) { return $false }
    }
    return $true
}

# The answer about a file, which fits as long as the file is as it was; nothing where it does not.
function global:__pyman_remembered($file) {
    $own = $file -ceq $__pyman.OwnPin
    $place = if ($own) { $__pyman.Answers + '/.none' } else { $__pyman.Answers + $file }
    if (-not [IO.File]::Exists($place)) { return }
    if (-not $own -and (__pyman_time $file) -ne (__pyman_time $place)) { return }
    if ([IO.File]::GetAttributes($file) -band [IO.FileAttributes]::ReparsePoint) { return }
    $lines = [IO.File]::ReadAllLines($place)
    if (-not $lines.Count) { return }
    $lock = [IO.Path]::GetFileName($file) -ceq 'pyman.lock' # which version file has a say with it pyman tells
    if ($lines[0] -ceq '-') { return @{ Bin = '-'; File = ''; Text = '' } }
    if ($lock -or ($lines[0] -and -not [IO.File]::Exists([IO.Path]::Combine($lines[0], $lines[1])))) { return }
    if ($lines[0]) { return @{ Bin = $lines[0]; File = $file; Text = '' } }
    if ($env:PYMAN_AUTO_INSTALL) { return }
    return @{ Bin = ''; File = $file; Text = (@($lines | Select-Object -Skip 1) -join "`n") }
}

# Asks which Python is meant here, and by which file; `$file` is the one that was come upon.
function global:__pyman_ask($file) {
    $lines = @(__pyman_run activate --ask)
    $by = if ($lines.Count -gt 1 -and $lines[1]) { $lines[1] } else { $file }
    $bin = if ($lines.Count) { $lines[0] } else { '' }
    return @{ Bin = $bin; File = $by; Text = (@($lines | Select-Object -Skip 2) -join "`n") }
}

# What the first of these files asks for that is met on the way up; nothing if none does.
function global:__pyman_up($names, $holds) {
    foreach ($folder in __pyman_folders) {
        foreach ($name in $names) {
            $file = [IO.Path]::Combine($folder, $name)
            if ([IO.File]::Exists($file)) {
                $answer = if ($holds -and -not $__pyman.Windows) { __pyman_remembered $file }
                if (-not $answer) { return __pyman_ask $file }
                if ($answer.Bin -cne '-') { return $answer }
                $__pyman.Over = $file
            }
        }
    }
}

function global:__pyman_pin_above {
    $holds = __pyman_ground
    $found = $null
    $project = '', '0', 'false', 'no', 'off' -contains "${env:PYMAN_NO_PROJECT}"
    if ($project) { $found = __pyman_up @('pyman.lock') $holds }
    if ($project -and -not $found) { $found = __pyman_up @(@NAMES@) $holds }
    if ($found -or -not [IO.File]::Exists($__pyman.OwnPin)) { return $found }
    if ($project) { $found = __pyman_up @('pyproject.toml', 'setup.cfg') $holds }
    if (-not $found -and $holds) { $found = __pyman_remembered $__pyman.OwnPin }
    if (-not $found) { $found = __pyman_ask $__pyman.OwnPin }
    return $found
}

# Why the `.venv` in a folder does not count; empty if it does. Where files have no modes, as on Windows, it counts
# below the user's own folder, into which nobody else may write.
function global:__pyman_doubt($folder) {
    $bin = [IO.Path]::Combine($folder, '.venv', $__pyman.Bin)
    if ($env:_PYMAN_BIN -ceq $bin -and $__pyman.File -ceq [IO.Path]::Combine($folder, '.venv', 'pyvenv.cfg')) { return '' }
    if ($folder.Contains($__pyman.Separator)) { return 'cannot stand on PATH: its name has what parts PATH' }
    $python = [IO.Path]::Combine($bin, $(if ($__pyman.Windows) { 'python.exe' } else { 'python' }))
    if (-not [IO.File]::Exists($python)) { return 'is passed over: its Python is gone' }
    if ($__pyman.Windows) {
        $mine = $env:USERPROFILE.TrimEnd('\') + '\'
        if ($folder.StartsWith($mine, [StringComparison]::OrdinalIgnoreCase)) { return '' }
        return "is passed over: only below $mine nobody else may write"
    }
    $places = '.', '.venv', '.venv/.', '.venv/..', '.venv/bin/.', '.venv/pyvenv.cfg' | ForEach-Object { "$folder/$_" }
    $fit = 0
    foreach ($line in @(& '/bin/ls' '-ldn' '--' $places 2>$null)) {
        if ($line -cmatch '^([-a-zA-Z]{10})(\S*)\s+\d+\s+(\d+)\s+(\d+)\s') {
            $mode, $more, $user, $group = $Matches[1], $Matches[2], $Matches[3], $Matches[4]
            $open = $mode[8] -ceq 'w' -or ($mode[5] -ceq 'w' -and ($more.Contains('+') -or $group -cne '@GID@'))
            if ('0', '@UID@' -ccontains $user -and ($mode[0] -ceq 'l' -or -not $open)) { $fit++ }
        }
    }
    if ($fit -eq 6) { return '' }
    return 'is passed over: others than you may write there, or it is not yours'
}

# The nearest `.venv` that counts; why one does not is said once.
function global:__pyman_venv_above {
    foreach ($folder in __pyman_folders) {
        if ([IO.File]::Exists([IO.Path]::Combine($folder, '.venv', 'pyvenv.cfg'))) {
            $why = __pyman_doubt $folder
            if (-not $why) { return $folder }
            if ($__pyman.Named -cnotcontains $folder) {
                $__pyman.Named += $folder
                [Console]::Error.WriteLine("pyman: $($folder -replace '[\x00-\x1f\x7f]', '?')/.venv $why")
            }
        }
    }
}

# Says once what is to be said of a file.
function global:__pyman_tell($file, $text) {
    if ($text -and $__pyman.Told -cne "${file}:$text") { [Console]::Error.WriteLine("pyman: $text") }
    $__pyman.Told = "${file}:$text"
}

# Finds which `bin` is wanted here, and lets PATH have it, and nothing else of ours.
function global:__pyman_look {
    $__pyman.Pwd = $PWD.ProviderPath
    $wanted = ''
    $file = ''
    $__pyman.Over = ''
    if ($env:_PYMAN_SHELL) {
        # The folder has no separator in its name, but on Windows a colon.
        $request, $wanted = ($env:_PYMAN_SHELL -replace '^(.*[\\/][^:]*):(.*)$', "`$2`n`$1") -split "`n"
        $gone = if (-not [IO.Directory]::Exists($wanted)) { "$request, which this shell has chosen, is gone: ``pyman shell --unset``" }
        if ($gone) { $wanted = '' }
        __pyman_tell 'shell' $gone
    } elseif ($folder = __pyman_venv_above) {
        $wanted = [IO.Path]::Combine($folder, '.venv', $__pyman.Bin)
        $file = [IO.Path]::Combine($folder, '.venv', 'pyvenv.cfg')
        $__pyman.Told = ''
    } elseif ($found = __pyman_pin_above) {
        $wanted = $found.Bin
        $file = $found.File
        __pyman_tell $file $found.Text
    } else { $__pyman.Told = '' }
    $__pyman.File = $file
    __pyman_apply $wanted
    $__pyman.Path = $env:PATH
    $__pyman.Others = "${env:VIRTUAL_ENV}:${env:CONDA_PREFIX}:${env:DIRENV_DIFF}"
    $__pyman.Marks = __pyman_marks
}

function global:__pyman_apply($wanted) {
    $place = if ($env:_PYMAN_BIN) { __pyman_settle } else { -1 }
    if ("${env:VIRTUAL_ENV}:${env:CONDA_PREFIX}:${env:DIRENV_DIFF}" -cne $__pyman.Others) {
        __pyman_weed
        if ($place -ge 0) { $place = __pyman_settle }
    }
    if ($place -ge 0) {
        if ($env:_PYMAN_BIN -ceq $wanted -and -not $__pyman.Anew) { return }
        __pyman_take $place
    }
    $__pyman.Anew = $false
    $env:_PYMAN_BIN = $null
    $env:_PYMAN_OWN = '0'
    if ($wanted) { __pyman_put $wanted }
}

function global:__pyman_prompt {
    if ($PWD.Provider.Name -cne 'FileSystem') { return }
    if ($PWD.ProviderPath -cne $__pyman.Pwd -or $env:PATH -cne $__pyman.Path -or (__pyman_marks) -cne $__pyman.Marks) {
        __pyman_look
    }
}

# The command, which can change this shell besides.
function global:pyman {
    $program = (Get-Command -CommandType Application -Name pyman)[0]
    if ($args.Count -and $args[0] -ceq 'shell') {
        $env:_PYMAN_HOOK = '1'
        try { $said = @(& $program @args) } finally { $env:_PYMAN_HOOK = $null }
        if ($said.Count -and $said[0] -clike '_PYMAN_SHELL=*') {
            $env:_PYMAN_SHELL = $said[0].Substring('_PYMAN_SHELL='.Length)
        } else { $said }
    } else { & $program @args }
    $code = $global:LASTEXITCODE
    __pyman_prompt
    $global:LASTEXITCODE = $code
}

if (-not $env:_PYMAN_OWN) { $env:_PYMAN_OWN = '0' }

# Only a shell with a prompt has it asked for; the function that was there before still makes it.
if (-not $global:__pyman_before) {
    $global:__pyman_before = $function:prompt
    function global:prompt {
        $code = $global:LASTEXITCODE
        __pyman_prompt
        $global:LASTEXITCODE = $code
        & $__pyman_before
    }
}
