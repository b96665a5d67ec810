from .distributions import check_distributions as check_distributions, package_version as package_version
from .packages import lacking as lacking, need_for as need_for
