"""The calculators: JSON in, one public function of the core, JSON out.

Malformed input raises ``Invalid`` and what a rule refuses ``Refused``; both name the JSON path.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cityos_adapters.calculators.amounts import calculate_allocation, calculate_proration, calculate_refunds
from cityos_adapters.calculators.commission import calculate_commission
from cityos_adapters.calculators.periods import calculate_periods
from cityos_adapters.calculators.tiers import calculate_tiers
from cityos_adapters.serialization import Json
from cityos_core.kernel.errors import Invalid, NotFound

CALCULATORS: Final[Mapping[str, Callable[[object], dict[str, Json]]]] = MappingProxyType(
    {
        "allocate": calculate_allocation,
        "commission": calculate_commission,
        "refunds": calculate_refunds,
        "tiers": calculate_tiers,
        "periods": calculate_periods,
        "proration": calculate_proration,
    }
)


def calculate(name: str, data: object) -> dict[str, Json]:
    """Run a calculator by its name on JSON data; ``NotFound`` if there is none of that name."""
    calculator = CALCULATORS.get(name)
    if calculator is None:
        raise NotFound("unknown_calculator", f"there is no calculator {name!r}; there are {', '.join(CALCULATORS)}")
    try:
        return calculator(data)
    except Invalid as error:
        raise error if error.errors else Invalid.at("$", error.code, error.detail) from error


__all__ = ["CALCULATORS", "calculate"]
