from .files import UNFINISHED as UNFINISHED, check_folder as check_folder, write_whole as write_whole
from .foreign import CLEAN_ATTRIBUTES as CLEAN_ATTRIBUTES, CLEAN_TAGS as CLEAN_TAGS
from .rendering import Rendered as Rendered, render as render
from .shell import page_css as page_css
