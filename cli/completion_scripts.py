"""The scripts of `orch completion`. Each hands the words up to the cursor to the orch on its line.

Candidates that end in `=` or `/` are not complete, so no blank follows them.
"""

_BASH = r"""# Completion of orch for bash: eval "$(orch completion bash)"
_orch() {
    local IFS=$'\n' rest=${COMP_LINE:0:COMP_POINT} word='' trimmed at cut='' line
    local -a words=()
    # bash takes words apart at = and :, which are parts of ours; blanks alone divide them.
    for ((at = 0; at <= COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        trimmed=${rest#"${rest%%[![:blank:]]*}"}
        ((at == COMP_CWORD)) && word=$trimmed
        if ((${#words[@]})) && [[ $trimmed == "$rest" ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        rest=${trimmed#"$word"}
    done
    word=${words[${#words[@]} - 1]}
    # What stands before the last of them stays on the line as it is.
    [[ $COMP_WORDBREAKS == *=* && $word == *=* ]] && cut=${word%=*}=
    [[ $COMP_WORDBREAKS == *:* && ${word#"$cut"} == *:* ]] && cut=${word%:*}:
    COMPREPLY=()
    while read -r line; do
        [[ -n $line ]] && COMPREPLY+=("${line#"$cut"}")
        [[ $line == *[=/] ]] && compopt -o nospace
    done < <("$1" completion bash -- "${words[@]:1}" 2>/dev/null)
}
complete -o nosort -F _orch orch
"""

_ZSH = r"""#compdef orch
# Completion of orch for zsh: eval "$(orch completion zsh)" behind compinit, or this text as a file
# _orch in a folder of fpath.
_orch() {
    local line value
    local -a open closed open_shown closed_shown
    for line in "${(@f)$("${words[1]}" completion zsh -- \
            "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
        value=${line%%$'\t'*}
        [[ -n $value ]] || continue
        if [[ $value == *[=/] ]]; then
            open+=("$value")
            open_shown+=("${line/$'\t'/  -- }")
        else
            closed+=("$value")
            closed_shown+=("${line/$'\t'/  -- }")
        fi
    done
    (( $#open )) && compadd -V open -S '' -l -d open_shown -a -- open
    (( $#closed )) && compadd -V closed -l -d closed_shown -a -- closed
}
if [[ ${funcstack[1]} == _orch ]]; then
    _orch "$@"
else
    compdef _orch orch
fi
"""

_FISH = r"""# Completion of orch for fish; as a file: ~/.config/fish/completions/orch.fish
function __orch_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    command $program completion fish -- $words "$word" 2>/dev/null
end
complete --command orch --no-files --keep-order --arguments '(__orch_complete)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
