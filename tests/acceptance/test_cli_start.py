"""What the command does before it has read its command line."""

import sys

from spine import __main__


class Interrupting:
    """Finds nothing: somebody presses Ctrl-C while it looks."""

    def find_spec(self, name, path=None, target=None):
        raise KeyboardInterrupt


def test_an_interruption_while_it_is_imported_is_told_as_one(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "spine.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting()])

    code = __main__.main()

    assert (code, capsys.readouterr().err) == (130, "spine: interrupted\n")
