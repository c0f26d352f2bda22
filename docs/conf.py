"""How the documentation is built: strictly, from Markdown and docstrings."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "CityOS"
copyright = "CityOS contributors"  # noqa: A001  Sphinx's name for it
version = release = installed("cityos")

extensions = ["myst_parser", "sphinx.ext.autodoc", "commands"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "The core of a city-scale marketplace", "fixed_sidebar": True}
html_static_path: list[str] = []

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100
autodoc_default_options = {"members": True, "special-members": "__call__"}
