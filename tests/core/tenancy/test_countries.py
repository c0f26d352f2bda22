"""Countries by code and by name."""

import pytest

from cityos_core.kernel.countries import NAMES, country_code
from cityos_core.kernel.errors import Invalid


def test_every_name_leads_to_its_code() -> None:
    """The usual English name of each of the 249 countries gives its code, whatever its case."""
    assert len(NAMES) == 249
    assert all(country_code(name.upper()) == code == country_code(code.lower()) for code, name in NAMES.items())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UK", "GB"),
        (" usa ", "US"),
        ("Cote d'Ivoire", "CI"),
        ("The Netherlands", "NL"),
        ("Antigua & Barbuda", "AG"),
        ("Turkey", "TR"),
        ("Korea (South)", "KR"),
        ("Viet Nam", "VN"),
    ],
)
def test_other_names_are_understood(text: str, code: str) -> None:
    """Common names, with or without accents, articles and punctuation."""
    assert country_code(text) == code


@pytest.mark.parametrize("text", ["", "Atlantis", "EU", "DEU", "??"])
def test_what_is_no_country(text: str) -> None:
    """Anything else is refused with a hint."""
    with pytest.raises(Invalid, match="ISO 3166"):
        country_code(text)
