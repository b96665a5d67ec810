"""``python -m stabkit`` is the command ``stabkit``."""

from stabkit.cli import main

main()
