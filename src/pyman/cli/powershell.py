"""Completion in PowerShell, which click leaves to others."""

import os
from typing import Any

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class

# Words go through the environment one a line. An empty variable is none in PowerShell, and a completion
# must have a text to show beside it.
_SCRIPT = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($word, $command, $cursor)
    $before = $command.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursor }
    $env:COMP_WORDS = @($before | ForEach-Object { $_.Extent.Text }) -join "`n"
    $env:COMP_CWORD = $word
    $env:%(complete_var)s = 'powershell_complete'
    try {
        %(prog_name)s | ForEach-Object {
            $text, $about = $_ -split "`t", 2
            [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $about)
        }
    } finally {
        Remove-Item -ErrorAction Ignore Env:COMP_WORDS, Env:COMP_CWORD, Env:%(complete_var)s
    }
}
"""


class PowerShellComplete(ShellComplete):
    """PowerShell's side of click's protocol, in PowerShell 5.1 and later."""

    name = "powershell"
    source_template = _SCRIPT

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is being typed, without the program's name, and that one."""
        words = os.environ.get("COMP_WORDS", "").split("\n")
        return [word.strip("'\"") for word in words[1:]], os.environ.get("COMP_CWORD", "")

    def format_completion(self, item: CompletionItem) -> str:
        """Return the line for `item`: its text, a tab, and what it is."""
        about: Any = item.help or item.value
        return f"{item.value}\t{' '.join(str(about).split())}"

    def complete(self) -> str:
        """Return a line for each completion; none for a file, which PowerShell completes by itself."""
        found = self.get_completions(*self.get_completion_args())
        return "\n".join(self.format_completion(item) for item in found if item.type == "plain")


def register() -> None:
    """Make click know PowerShell."""
    add_completion_class(PowerShellComplete)
