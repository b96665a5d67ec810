from .alembic import declared_column as declared_column
from .django import field_column as field_column
from .files import LOOKED_FOR as LOOKED_FOR, down_path as down_path, family as family
from .files import is_migration_path as is_migration_path, natural as natural, read_migration as read_migration
from .operations import RUN_TIME as RUN_TIME, Column as Column, Migration as Migration, Operation as Operation
from .operations import bare as bare
from .script_text import without_script_comments as without_script_comments
from .sql import sql_operations as sql_operations
