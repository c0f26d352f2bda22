"""What the levels of the tree decide about commission, beside the rules themselves."""

from typing import Final

from cityos_core.commissions.rules import Bounds
from cityos_core.kernel.errors import Invalid
from cityos_core.tenancy.model import Json
from cityos_core.tenancy.setting_values import fields, flag, percentage
from cityos_core.tenancy.settings import Setting


def _bounds(value: Json) -> Bounds | None:
    if value is None:
        return None
    found = fields(value, "min_percentage", "max_percentage", "locked")
    least, most = found.get("min_percentage"), found.get("max_percentage")
    bounds = Bounds(
        min_percentage=None if least is None else percentage(least),
        max_percentage=None if most is None else percentage(most),
        locked=flag(found.get("locked", False)),
    )
    if bounds.min_percentage and bounds.max_percentage and bounds.max_percentage < bounds.min_percentage:
        raise Invalid("bounds_reversed", "`max_percentage` is not below `min_percentage`")
    return bounds


COMMISSION_BOUNDS: Final = Setting(
    key="commission_bounds",
    doc="Between which percentages of the base the rules of narrower levels stay, or that they do not count at all.",
    parse=_bounds,
)

DECLARED: Final = (COMMISSION_BOUNDS,)
