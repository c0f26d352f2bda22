"""Hosts have one form, and each form is somebody's name or nobody's."""

import ipaddress
import re
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cityos_core.kernel.errors import Invalid
from cityos_core.tenancy.hosts import LONGEST_NAME, Names, OtherHost, PlatformHost, TenantHost, normalized
from cityos_core.tenancy.model import handle
from usecases.town import code, detail

LETTERS = string.ascii_lowercase
DIGITS = string.digits
NAMES = Names(["city.example", "eu.city.example", "localhost"])

labels = st.from_regex(r"[a-z](?:[a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(lambda it: it[2:4] != "--")
names = st.lists(labels, min_size=1, max_size=6).map(".".join)
addresses = st.ip_addresses(v=4).map(int)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("shop.example", "shop.example"),
        ("Shop.EXAMPLE", "shop.example"),
        ("shop.example:8443", "shop.example"),
        ("shop.example:", "shop.example"),
        ("shop.example.", "shop.example"),
        ("shop.example.:80", "shop.example"),
        ("localhost", "localhost"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("XN--Mnchen-3YA.example", "xn--mnchen-3ya.example"),
        ("4711.example", "4711.example"),
        ("a--b.example", "a--b.example"),
        ("r3---sn.example", "r3---sn.example"),
        ("1.2.3.4.example", "1.2.3.4.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_one_form(host: str, name: str) -> None:
    """Case, port and a trailing dot do not count."""
    assert normalized(host) == name


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        ":80",
        "shop..example",
        ".shop.example",
        "shop.example..",
        "shop_1.example",
        "_dmarc.shop.example",
        "-shop.example",
        "shop-.example",
        "*.example",
        "a" * 64 + ".example",
        ".".join(["a" * 63] * 4),
        "shop.example:65536",
        "shop.example:808080",
        "shop.example:http",
        "shop.example:+80",
        "shop.example:8 0",
        "shop.example:80:80",
        "user@shop.example",
        "user:secret@shop.example",
        "http://shop.example",
        "shop.example/",
        "shop.example?x",
        "shop.example#x",
        "shop.example\\x",
        "shop%2eexample",
        "shop example",
        " shop.example",
        "shop.example ",
        "shop.example\n",
        "shop.example\r\nX-Other: 1",
        "shop\x00.example",
        "shop\t.example",
        "shop.example,other.example",
        "münchen.example",
        "straße.example",
        "shop。example",
        "shop.example:٨٠",
        "\u212aelvin.example",
        "xn--.example",
        "xn--a-.example",
        "xn--99999999.example",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7F.1",
        "0177.0.0.01",
        "0x",
        "shop.0x1",
        "shop.example.123",
        "256.256.256.256",
        "[::1]",
        "[::1]:80",
        "::1",
        "[::ffff:127.0.0.1]",
        "[v1.fe80::a]",
        "fe80::1%25eth0",
    ],
)
def test_what_is_no_name(host: str) -> None:
    """Addresses, other parts of a URL, and anything that is not letters, digits and hyphens in labels is refused."""
    assert code(lambda: normalized(host)) == "invalid_host"


@given(names)
def test_a_form_is_its_own(name: str) -> None:
    """What is normalised stays as it is."""
    assert normalized(name) == name == normalized(normalized(name))


@given(names, st.data(), st.booleans(), st.none() | st.integers(0, 65535))
def test_spellings_of_a_name(name: str, data: st.DataObject, dot: bool, port: int | None) -> None:
    """Every spelling of a name has the same form."""
    upper = data.draw(st.sets(st.integers(0, len(name) - 1)))
    spelt = "".join(letter.upper() if place in upper else letter for place, letter in enumerate(name))
    assert normalized(spelt + "." * dot + ("" if port is None else f":{port}")) == name


@given(st.text(st.characters() | st.sampled_from("ab.:-_01x[]@"), max_size=300))
@example("\u212a")
def test_whatever_comes_is_a_name_or_refused(host: str) -> None:
    """Nothing but ``Invalid`` is ever raised, and a name that comes out is safe to compare, store and look up."""
    told = code(lambda: normalized(host))
    if told != "ok":
        assert told == "invalid_host"
        assert not re.search(r"[\x00-\x1f\x7f]", detail(lambda: normalized(host)))
        return
    name = normalized(host)
    assert set(name) <= set(LETTERS + DIGITS + "-.")
    assert len(name) <= LONGEST_NAME
    assert all(0 < len(label) <= 63 for label in name.split("."))
    with pytest.raises(ValueError, match="does not appear"):
        ipaddress.ip_address(name)
    assert normalized(name) == name


@given(st.text(st.sampled_from("abxn--019"), min_size=1, max_size=20))
def test_ascii_forms(code_: str) -> None:
    """A label that says it is an international one is Punycode of something that is not ASCII."""
    try:
        assert normalized(f"xn--{code_}.example") == f"xn--{code_}.example"
    except Invalid:
        return
    assert not code_.encode().decode("punycode").isascii()


@given(addresses, st.sampled_from(["{}", "0x{:x}", "0x{:X}", "0{:o}"]), st.sampled_from(["", ".", ":80"]))
def test_addresses_as_one_number(address: int, form: str, end: str) -> None:
    """An IPv4 address in one number, decimal, hexadecimal or octal, is refused."""
    assert code(lambda: normalized(form.format(address) + end)) == "invalid_host"


@given(addresses, st.lists(st.sampled_from(["{}", "0x{:x}", "0{:o}"]), min_size=4, max_size=4))
def test_addresses_in_parts(address: int, forms: list[str]) -> None:
    """An IPv4 address in four parts is refused, however each is written."""
    parts = [form.format(part) for form, part in zip(forms, address.to_bytes(4, "big"), strict=True)]
    assert code(lambda: normalized(".".join(parts))) == "invalid_host"


@given(st.ip_addresses(v=6), st.sampled_from(["[{}]", "[{}]:443", "{}"]))
def test_addresses_in_brackets(address: ipaddress.IPv6Address, form: str) -> None:
    """An IPv6 address is refused, with or without brackets."""
    assert code(lambda: normalized(form.format(address))) == "invalid_host"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("city.example", PlatformHost()),
        ("CITY.example:443", PlatformHost()),
        ("eu.city.example", PlatformHost()),
        ("localhost:8000", PlatformHost()),
        ("north.city.example", TenantHost("north")),
        ("North.EU.city.example.", TenantHost("north")),
        ("north.localhost:8000", TenantHost("north")),
        ("www.north.city.example", OtherHost("www.north.city.example")),
        ("shop.example", OtherHost("shop.example")),
        ("notcity.example", OtherHost("notcity.example")),
        ("city.example.evil.example", OtherHost("city.example.evil.example")),
        ("example", OtherHost("example")),
    ],
)
def test_whose_name(host: str, name: object) -> None:
    """A host is the platform's, a tenant's below it by exactly one label, or something else."""
    assert NAMES.of(host) == name


@given(names, labels)
def test_one_label_below(domain: str, first: str) -> None:
    """A tenant's name is its handle and the platform's name; one more label is nobody's name below it."""
    known = Names([domain])
    assume(not domain.startswith("0x"))
    assert known.of(f"{first}.{domain}") == TenantHost(first)
    assert known.of(f"www.{first}.{domain}") == OtherHost(f"www.{first}.{domain}")
    assert known.are_above(f"www.{first}.{domain}")
    assert known.are_above(domain)
    assert not known.are_above(f"{first}{domain}")


@given(st.from_regex(r"[a-z0-9]+(?:-[a-z0-9]+)*", fullmatch=True).filter(lambda text: len(text) <= 63))
def test_every_handle_has_a_name(text: str) -> None:
    """Whatever handle a tenant has, there is a host for it."""
    assert NAMES.of(f"{handle(text)}.city.example") == TenantHost(text)
