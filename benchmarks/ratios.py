"""What a benchmark answers: how many times the floor something took, or its share of the floor's rate."""

from collections.abc import Iterable

from attrs import frozen


@frozen(kw_only=True)
class Ratio:
    """A figure that was measured, and where it should be."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None
    measured: str
    """The figures it was made from, in words."""

    @property
    def is_met(self) -> bool:
        """True if the figure is where it should be."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def target(self) -> str:
        """Where the figure should be, in words."""
        return f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}"


def show(ratios: Iterable[Ratio]) -> None:
    """Print ratios as they are measured, as a table."""
    print(f"{'':66} {'ratio':>7}  {'target':14} measured")
    for ratio in ratios:
        mark = "" if ratio.is_met else "  <-- missed"
        print(f"{ratio.name:66} {ratio.value:7.2f}  {ratio.target:14} {ratio.measured}{mark}", flush=True)
