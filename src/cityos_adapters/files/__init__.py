"""Files of the exchange format, read as a stream: each row is a draft, or says by row and column why it is not one."""

from cityos_adapters.files.documents import read_document, read_orders_jsonl, read_plans, read_rules, read_usage_jsonl
from cityos_adapters.files.drafts import read_products, read_usage_csv, read_vendors
from cityos_adapters.files.orders import read_orders_csv

__all__ = [
    "read_document",
    "read_orders_csv",
    "read_orders_jsonl",
    "read_plans",
    "read_products",
    "read_rules",
    "read_usage_csv",
    "read_usage_jsonl",
    "read_vendors",
]
