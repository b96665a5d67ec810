from .provisioner import PROVISIONER as PROVISIONER, WarmProvisioner as WarmProvisioner
from .warm import SETTING as SETTING, WarmProcess as WarmProcess, is_wanted as is_wanted, prepare as prepare
