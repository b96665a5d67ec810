"""What a long work says where there is no terminal."""

import queue

from stabkit.cli.terminal import ProgressLines, Terminal, TerminalProgress


def test_a_long_work_says_how_far_it_is_and_nothing_once_it_ended():
    said = queue.Queue()
    progress = ProgressLines(said.put, every_s=0.01)
    progress.start("probing", 2_000)
    progress.advance(500)
    lines = [said.get(timeout=60) for _ in range(2)]
    assert all(line.startswith(("probing: 500 of 2,000, ", "probing: 0 of 2,000, ")) for line in lines)
    assert " so far" in lines[-1]
    progress.start("tests", 1)
    while (line := said.get(timeout=60)).startswith("probing"):
        pass
    assert line.startswith("tests: ")
    assert " of " not in line
    progress.finish()
    progress.finish()


def test_a_short_work_says_nothing(capsys):
    progress = Terminal().progress()
    assert isinstance(progress, ProgressLines)
    assert not isinstance(progress, TerminalProgress)
    progress.start("reports", 3)
    progress.advance()
    progress.finish()
    assert capsys.readouterr().err == ""
    assert Terminal(quiet=True).progress() is None
