from .environment import kernel_environment as kernel_environment
from .provisioner import PROVISIONER as PROVISIONER, WarmProvisioner as WarmProvisioner
from .warm import (
    SETTING as SETTING,
    WarmProcess as WarmProcess,
    is_wanted as is_wanted,
    prepare_kernels as prepare_kernels,
)
