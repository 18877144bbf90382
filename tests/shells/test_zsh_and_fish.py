"""Completion in zsh and fish; `make test-shells` installs what it needs."""

import shutil
import subprocess
from pathlib import Path

from tests.cli.completion_project import TYPED, completion_project
from tests.cli.shell_session import ShellSession

ZSH = (
    "PS1='$ '; unsetopt zle_bracketed_paste beep; unset zle_bracketed_paste; "
    "autoload -Uz compinit; compinit -u -d $HOME/dump; "
    "show() { print -rn -- '<<'\"<$BUFFER>>>\" }; zle -N show; bindkey -e; "
    "bindkey '^X^P' show; bindkey '^U' kill-whole-line; "
    'eval "$(orch completion zsh)"'
)


def program(name: str) -> str:
    path = shutil.which(name)
    assert path is not None, f"{name} isn't installed: `make test-shells` does that"
    return path


def test_zsh_completes_as_one_types(tmp_path: Path) -> None:
    """The same lines as bash."""
    folder, environment = completion_project(tmp_path)
    argv = [program("zsh"), "-f", "-i"]
    with ShellSession(argv, folder, environment, ZSH) as zsh:
        assert {line: zsh.completed(line) for line in TYPED} == TYPED


def test_fish_offers_what_the_line_becomes(tmp_path: Path) -> None:
    """fish says itself what it would offer; a blank behind a word is its own affair."""
    folder, environment = completion_project(tmp_path)
    script = "orch completion fish | source; for line in $argv; complete -C $line; echo ---; end"
    done = subprocess.run(
        [program("fish"), "--no-config", "-c", script, *TYPED],
        cwd=folder,
        env=environment | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=True,
    )
    answers = done.stdout.split("---\n")[:-1]
    assert len(answers) == len(TYPED)
    for answer, line in zip(answers, TYPED.values(), strict=True):
        offered = [text.split("\t")[0] for text in answer.splitlines()]
        word = line.split()[-1]
        if line.endswith((" ", "/", "=")):
            assert offered == [word], line
        else:
            assert offered
            assert all(text.startswith(word) for text in offered), line
