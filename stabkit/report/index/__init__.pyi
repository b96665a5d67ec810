from .index_files import make_index, write_index

__all__ = ["make_index", "write_index"]
