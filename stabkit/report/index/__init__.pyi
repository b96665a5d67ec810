from .index_files import make_index as make_index, write_index as write_index
