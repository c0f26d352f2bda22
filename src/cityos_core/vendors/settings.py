"""What tenants decide about vendors."""

from typing import Final

from cityos_core.tenancy.setting_values import words
from cityos_core.tenancy.settings import Setting

VENDOR_REQUIREMENTS: Final = Setting(
    key="vendor_requirements",
    doc="What is asked of a vendor before it may sell: a list of items.",
    parse=words,
    default=["identity", "bank_account", "terms"],
)

DECLARED: Final = (VENDOR_REQUIREMENTS,)
