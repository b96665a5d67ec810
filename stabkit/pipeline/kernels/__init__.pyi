from .environment import apart as apart, kernel_environment as kernel_environment, lives_in as lives_in
from .provisioner import PROVISIONER as PROVISIONER, WarmProvisioner as WarmProvisioner
from .starting import SETTING as SETTING, is_wanted as is_wanted, prepare_kernels as prepare_kernels
from .warm import WarmProcess as WarmProcess
