from .declared import Command as Command, declared_commands as declared_commands, named_by_path as named_by_path
from .declared import container_start as container_start, masked as masked, may_declare as may_declare
from .matched import matched_options as matched_options
from .parameters import Parameter as Parameter, harder as harder
from .python_reads import READS_OPTIONS as READS_OPTIONS, python_options as python_options
