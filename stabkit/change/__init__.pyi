from .collected import collect_changes as collect_changes
from .git import Git as Git, repository_state as repository_state
from .mixed_tree import write_mixed_tree as write_mixed_tree
from .paths import described as described
from .ranges import range_changes as range_changes
