from .changes import collect_changes
from .git import Git, repository_state
from .paths import described
from .ranges import range_changes

__all__ = ["Git", "collect_changes", "described", "range_changes", "repository_state"]
