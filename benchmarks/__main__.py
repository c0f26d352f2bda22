"""Every benchmark, or those that are named: ``python -m benchmarks [commission] [order_placement] ...``."""

import sys
from itertools import chain
from typing import Final

from benchmarks import api, billing_run, commission, import_memory, order_placement, payout_run, periods
from benchmarks.ratios import show

BENCHMARKS: Final = {
    "commission": commission.run,
    "order_placement": order_placement.run,
    "payout_run": payout_run.run,
    "import_memory": import_memory.run,
    "api": api.run,
    "periods": periods.run,
    "billing_run": billing_run.run,
}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    show(chain.from_iterable(BENCHMARKS[name]() for name in chosen))
