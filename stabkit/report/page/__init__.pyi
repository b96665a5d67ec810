from .files import UNFINISHED, check_folder, write_whole
from .rendering import Rendered, render
from .shell import package_version, page_css

__all__ = ["UNFINISHED", "Rendered", "check_folder", "package_version", "page_css", "render", "write_whole"]
