#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes packaging/pgood.1 and packaging/pgood.bash from the command line's own tables.

`--check` only says what is old. Both hold exactly what the parsers of agent/cli hold, whatever Python's version.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

os.environ["XDG_STATE_HOME"] = "~/.local/state"  # default places are everybody's, not those of whoever runs this

from agent.cli.main import parser

FOLDER = Path(__file__).resolve().parent.parent / "packaging"
FILE_METAVARS = ("FILE", "DIR", "FILE|NAME", "NAME|FILE")

HEAD = """\
.\\" SPDX-License-Identifier: Apache-2.0
.\\" Written by tools/command_pages.py from the command line's own tables.
.TH PGOOD 1 "" "pgood" "pgood"
.SH NAME
pgood \\- baseboard management controller that is a program
.SH SYNOPSIS
.B pgood
.I VERB
[\\fIoptions\\fR]
.br
.B pgood
.I VERB
.B \\-\\-help
.SH DESCRIPTION
.B pgood
runs on a small Linux board that is wired to the front panel of another machine. That machine then answers IPMI
clients like a server, keeps its power supplies in cold redundancy and tells every power event over MQTT.
.PP
Installed as a package it runs as the service
.BR pgood.service ,
as the user pgood.
.SH VERBS
"""
TAIL = """\
.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
the agent refused, or what was asked for failed
.TP
.B 2
something outside is wrong: a file, a line, an address, the command line itself; one sentence says what and the cure
.SH FILES
.TP
.I /etc/pgood/pgood.toml
the site file: listeners, broker, policies; never written by the agent
.TP
.I /etc/pgood/secrets/
passwords that the site file names as credential:NAME; readable by root only
.TP
.I /var/lib/pgood/
state: users, event log, settings, what waits for the broker
.TP
.I /run/pgood/pgood.sock
the local socket of a service that runs
.SH ENVIRONMENT
.TP
.B PGOOD_STATE_DIR
the state directory of the agent that is asked
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1),
.BR ipmitool (1),
.BR mosquitto_sub (1),
.I /usr/share/doc/pgood/
"""


@dataclass(frozen=True)
class Verb:
    """One verb or verb of a verb."""

    words: tuple[str, ...]
    help: str
    positionals: tuple[argparse.Action, ...] = ()
    options: tuple[argparse.Action, ...] = ()
    inner: tuple[Verb, ...] = field(default=())


def read_verb(words: tuple[str, ...], text: str, parser_: argparse.ArgumentParser) -> Verb:
    """What a parser takes, and the parsers inside it."""
    inner: list[Verb] = []
    positionals, options = [], []
    for action in parser_._actions:
        if isinstance(action, argparse._SubParsersAction):
            texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
            inner += [read_verb((*words, name), texts.get(name, ""), sub) for name, sub in action.choices.items()]
        elif action.option_strings:
            options.append(action)
        else:
            positionals.append(action)
    return Verb(words, text, tuple(positionals), tuple(options), tuple(inner))


def values(action: argparse.Action) -> str:
    """What follows an option, or stands for a positional argument."""
    if action.nargs == 0:
        return ""
    name = action.metavar or (
        "|".join(map(str, action.choices)) if action.choices else (action.dest or "value").upper()
    )
    if isinstance(name, tuple):
        name = " ".join(name)
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} ..."}.get(str(action.nargs), name)


def roff(text: str) -> str:
    """Text that roff takes as it is: no hyphenation at minus signs, no request at the beginning of a line."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("%%", "%")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


def verb_page(verb: Verb) -> Iterator[str]:
    if verb.inner:
        yield f".SS {roff(' '.join(verb.words))}"
        yield roff(verb.help)
        for inner in verb.inner:
            yield from verb_page(inner)
        return
    yield f".SS {roff(' '.join((*verb.words, *(values(action) for action in verb.positionals))))}"
    yield roff(verb.help)
    for action in (*verb.positionals, *verb.options):
        if not action.help or action.help == argparse.SUPPRESS or action.dest == "help":
            continue
        yield ".TP"
        if action.option_strings:
            value = values(action)
            names = ", ".join(f"\\fB{roff(name)}\\fR" for name in action.option_strings)
            yield names + (f" \\fI{roff(value)}\\fR" if value else "")
        else:
            yield f"\\fI{roff(values(action))}\\fR"
        yield roff(action.help)


def man_page(top: Verb) -> str:
    return HEAD + "".join(f"{line}\n" for verb in top.inner for line in verb_page(verb)) + TAIL


def completion(top: Verb) -> str:
    """A table from the words so far to the words that may follow, and the function that looks it up."""
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "# Written by tools/command_pages.py from the command line's own tables.",
        "",
        "declare -gA _pgood_words=(",
        *(f"  [{' '.join(verb.words)!r}]={' '.join(next_words(verb))!r}" for verb in all_verbs(top)),
        ")",
        "",
        "_pgood() {",
        "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path=pgood word",
        "  COMPREPLY=()",
        "  case $previous in",
        f'    {"|".join(file_options(top))}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return ;;',
        "  esac",
        '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '    if [[ $word != -* && -n ${_pgood_words["$path $word"]+known} ]]; then path="$path $word"; fi',
        "  done",
        '  COMPREPLY=($(compgen -W "${_pgood_words[$path]}" -- "$current"))',
        "  [[ ${#COMPREPLY[@]} -gt 0 || $current == -* ]] || compopt -o default",
        "}",
        "complete -F _pgood pgood",
    ]
    return "\n".join(lines) + "\n"


def all_verbs(verb: Verb) -> Iterator[Verb]:
    yield verb
    for inner in verb.inner:
        yield from all_verbs(inner)


def next_words(verb: Verb) -> Iterator[str]:
    yield from (inner.words[-1] for inner in verb.inner)
    for action in verb.positionals:
        if action.choices:
            yield from map(str, action.choices)
    for action in verb.options:
        if action.help != argparse.SUPPRESS:
            yield from (name for name in action.option_strings if name.startswith("--"))


def file_options(top: Verb) -> list[str]:
    """Options that a file or folder follows."""
    found = {
        name
        for verb in all_verbs(top)
        for action in verb.options
        if action.metavar in FILE_METAVARS
        for name in action.option_strings
    }
    return sorted(found)


def files() -> dict[Path, str]:
    """Every generated file and its content."""
    top = read_verb(("pgood",), "", parser([]))
    return {FOLDER / "pgood.1": man_page(top), FOLDER / "pgood.bash": completion(top)}


def main() -> int:
    old = [file for file, text in files().items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for file in old:
            print(f"{file} is old: run tools/command_pages.py")
        return 1 if old else 0
    for file in old:
        file.write_text(files()[file], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
