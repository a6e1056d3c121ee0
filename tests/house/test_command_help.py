"""Every command and every option says what it is for."""

from spine.cli.main import root_command

ALONE = {"run", "resume", "recover", "doctor"}


def commands():
    """All commands by what is typed, groups too."""
    found, unvisited = {}, [("spine", root_command())]
    while unvisited:
        typed, command = unvisited.pop()
        found[typed] = command
        unvisited += [(f"{typed} {name}", inner) for name, inner in getattr(command, "commands", {}).items()]
    return found


def test_every_command_says_what_it_does():
    assert [typed for typed, command in commands().items() if not (command.help or "").strip()] == []


def test_every_option_says_what_it_is_for():
    silent = [
        f"{typed} {option.name}"
        for typed, command in commands().items()
        for option in command.params
        if not (getattr(option, "help", None) or "").strip()
    ]

    assert silent == []


def test_no_command_is_hidden_or_has_two_names():
    found = commands()

    assert [typed for typed, command in found.items() if command.hidden] == []
    assert len({id(command) for command in found.values()}) == len(found)


def test_every_list_and_show_can_be_read_by_a_program():
    for typed, command in commands().items():
        if typed.rpartition(" ")[2] in {"list", "show"}:
            assert "--json" in {name for option in command.params for name in option.opts}, typed


def test_commands_are_a_noun_and_a_verb_but_for_the_everyday_ones():
    verbs = [typed for typed, command in commands().items() if not hasattr(command, "commands")]

    assert {typed.split()[1] for typed in verbs if len(typed.split()) == 2} == ALONE
    assert all(len(typed.split()) <= 3 for typed in verbs)
