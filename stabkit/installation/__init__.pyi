from .distributions import check_distributions as check_distributions, package_version as package_version
from .packages import lacking as lacking, need_for as need_for
from .plugins import Plugin as Plugin, known_plugins as known_plugins, left_out as left_out
from .plugins import load_plugins as load_plugins
