"""What commissions refuse."""

from cityos_core.kernel.errors import Refused


class SaleRefused(Refused):
    """A commission rule refuses the sale: by its floor policy, or because its last band is closed below the amount.

    ``line`` is the place of the line among the lines of the sale, from zero.
    """

    def __init__(self, code: str, detail: str, *, line: int) -> None:
        super().__init__(code, detail)
        self.line = line
