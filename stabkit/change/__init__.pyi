from .collected import collect_changes as collect_changes
from .documents import plain_yaml as plain_yaml
from .git import Git as Git, repository_state as repository_state
from .mixed_tree import write_mixed_tree as write_mixed_tree
from .paths import described as described, parse_codeowners as parse_codeowners
from .ranges import range_changes as range_changes
