from .collected import collect_changes as collect_changes
from .git import Git as Git, repository_state as repository_state
from .paths import described as described
from .ranges import range_changes as range_changes
