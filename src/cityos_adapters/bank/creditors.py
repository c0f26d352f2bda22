"""What a SEPA credit transfer may say: IBANs, amounts, and the few characters that every bank accepts."""

import re
from typing import Final

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException
from text_unidecode import unidecode

from cityos_core.payouts.model import Transfer

MOST: Final = 999_999_999_99
"""The largest SEPA credit transfer, in cents."""

_FOREIGN: Final = re.compile(r"[^A-Za-z0-9/?:().,'+ -]", re.ASCII)


def sepa_text(text: str, longest: int) -> str:
    """Write a text in the SEPA character set: other letters become their nearest Latin ones, other signs go."""
    latin = unidecode(text.replace("&", "+"))
    return " ".join(_FOREIGN.sub(" ", latin).split())[:longest].strip()


def end_to_end_id(key: str) -> str:
    """Write a transfer's key in the 35 characters that travel with the payment and come back on the statement."""
    payout_id, _, number = key.rpartition(":")
    return f"{payout_id.replace('-', '')}-{number}"


def refusal(transfer: Transfer) -> str | None:
    """Say why a transfer cannot be a SEPA credit transfer, in words that the vendor can act on."""
    if transfer.amount.currency != "EUR":
        return f"bank files pay in EUR only, not in {transfer.amount.currency}; choose another payout method"
    if not 0 < transfer.amount.minor <= MOST:
        return f"a SEPA credit transfer is between 0.01 and 999999999.99 EUR, not {transfer.amount}"
    if not sepa_text(transfer.holder, 70):
        return "the account holder's name has no letter that a bank can read; write it in Latin letters"
    try:
        iban = IBAN(transfer.account)
    except SchwiftyException as error:
        return f"the account is not a valid IBAN ({str(error).lower()}); correct it"
    if not iban.in_sepa_zone:
        return f"accounts in {iban.country_code} are outside SEPA; choose another payout method"
    return None
