// Shell completion: scripts that ask `kubectl-prefect __complete`, and the one by which kubectl asks.

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;
export type Shell = (typeof SHELLS)[number];

/** What kubectl runs for `kubectl prefect <TAB>`, if it finds it on the PATH (kubectl 1.26 and later). */
export const KUBECTL_SCRIPT_NAME = "kubectl_complete-prefect";
export const KUBECTL_SCRIPT = '#!/bin/sh\nexec kubectl-prefect __complete "$@"\n';
/** The same for Windows, where an ending makes a script. */
export const KUBECTL_SCRIPT_WINDOWS = "@echo off\r\nkubectl-prefect __complete %*\r\n";

// bash takes what stands behind = for a word of its own, so the flag is not repeated in the answer.
const BASH = `# bash completion for kubectl-prefect; load it with: source <(kubectl-prefect completion bash)
__kubectl_prefect() {
    local typed="\${COMP_LINE:0:COMP_POINT}" word answer
    local -a words
    read -r -a words <<< "$typed"
    [[ "$typed" == *[[:space:]] ]] && words+=("")
    answer="$(kubectl-prefect __complete "\${words[@]:1}" 2>/dev/null)" || return
    COMPREPLY=()
    while IFS=$'\\t' read -r word _; do
        [[ "$word" == :* ]] || COMPREPLY+=("$word")
    done <<< "$answer"
    type compopt >/dev/null 2>&1 || return
    case "\${answer##*:}" in
        0) compopt -o default ;;
        2) compopt -o nospace ;;
    esac
}
complete -F __kubectl_prefect kubectl-prefect
`;

const ZSH = `#compdef kubectl-prefect
# zsh completion for kubectl-prefect; load it with: source <(kubectl-prefect completion zsh)
_kubectl_prefect() {
    local -a lines candidates blank
    local line
    lines=("\${(@f)$(kubectl-prefect __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in "\${(@)lines[1,-2]}"; do
        line="\${line//:/\\\\:}"
        candidates+=("\${line/$'\\t'/:}")
    done
    [[ "$PREFIX" == -*=* ]] && compset -P '*='
    [[ "\${lines[-1]}" == ":2" ]] && blank=(-S '')
    if (( \${#candidates} )); then
        _describe 'kubectl-prefect' candidates "\${blank[@]}"
    elif [[ "\${lines[-1]}" == ":0" ]]; then
        _files
    fi
}
compdef _kubectl_prefect kubectl-prefect
`;

const FISH = `# fish completion for kubectl-prefect; load it with: kubectl-prefect completion fish | source
function __kubectl_prefect
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l flag (string match -r -- '^-[^=]*=' "$word")
    set -l lines (kubectl-prefect __complete $words[2..-1] "$word" 2>/dev/null)
    for line in (string match -v -r '^:\\d+$' -- $lines)
        printf '%s%s\\n' "$flag" "$line"
    end
    if test (count $lines) -eq 1; and test "$lines[1]" = ':0'
        __fish_complete_path (string replace -- "$flag" '' "$word")
    end
end
complete -c kubectl-prefect -f -a '(__kubectl_prefect)'
`;

// Before 7.3 PowerShell drops empty arguments of programs, unless they are written as two quotes.
const POWERSHELL = `# PowerShell completion for kubectl-prefect; load it with:
# kubectl-prefect completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName 'kubectl-prefect' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
    if ($wordToComplete -eq '') {
        if ($PSVersionTable.PSVersion -ge [version]'7.3') { $words += '' } else { $words += '""' }
    }
    $flag = if ($wordToComplete -match '^(-[^=]*=)') { $Matches[1] } else { '' }
    kubectl-prefect __complete @words 2>$null | Where-Object { $_ -notmatch '^:\\d+$' } | ForEach-Object {
        $word, $meaning = $_ -split "\`t", 2
        if (-not $meaning) { $meaning = $word }
        [System.Management.Automation.CompletionResult]::new("$flag$word", $word, 'ParameterValue', $meaning)
    }
}
`;

/** The script for a shell. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case "bash":
      return BASH;
    case "zsh":
      return ZSH;
    case "fish":
      return FISH;
    case "powershell":
      return POWERSHELL;
  }
}
