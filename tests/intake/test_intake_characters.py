"""Characters that nobody sees, in every field; names and emoji that need them; where long names are cut."""

import unicodedata

import pytest
from pydantic import ValidationError

from flows.request import ProvisionRequest
from greenlight.domain.applications import application_name
from greenlight.domain.formatting import default_name
from greenlight.intake.rows import COLUMNS

UNSEEN = ["\u200b", "\u200c", "\u200d", "\u2060", "\u034f", "\ufeff", "\u00ad", "\u061c", "\u115f", "\u3164", "\ufe0f",
          "\u202e", "\u2066", "\u2800", "\U000e0041", "\ufffd"]  # fmt: skip
BLANKS = ["\u00a0", "\u2003", "\u2007", "\u202f", "\u1680"]
ASTRONAUT = "👩🏽\u200d🚀"


@pytest.mark.parametrize("lines", ["table", "objects"])
@pytest.mark.parametrize("field", COLUMNS)
@pytest.mark.parametrize("char", UNSEEN + BLANKS)
@pytest.mark.parametrize("at", [0, 2, 99])
def test_what_nobody_sees_is_named_in_every_field(
    errors, good, lines: str, field: str, char: str, at: int, request: pytest.FixtureRequest
) -> None:
    value = good[field][:at] + char + good[field][at:]
    (error,) = errors(request.getfixturevalue(lines)({field: value}))
    where = f"in.csv:{2 if lines == 'table' else 1}: {field}: holds "
    assert error.startswith(f"{where}U+{ord(char):04X} {unicodedata.name(char)}, which ")
    assert "s3cr3t" not in error


@pytest.mark.parametrize("char", ["Ａ", "１", "ｱ", "－", "x\u0323\u0332", "\u20dd"])
def test_an_id_has_no_character_that_looks_like_another(errors, table, char: str) -> None:
    (error,) = errors(table({"customer_id": f"ac{char}me"}))
    assert error.startswith("in.csv:2: customer_id: holds U+")
    assert error.endswith(", which can be mistaken for another character; write a plain one")


def test_ids_that_differ_by_normalisation_alone_are_one(read, table) -> None:
    (customer,) = read(table({"customer_id": "Cafe\u0301"}, {"customer_id": "Caf\u00e9", "integration_type": "X"}))
    assert (customer.customer_id, len(customer.integrations)) == ("Caf\u00e9", 2)


@pytest.mark.parametrize(
    "name",
    [ASTRONAUT, "❤\ufe0f\u200d🔥 GmbH", "1\ufe0f\u20e3",
     "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
     "می\u200cخواهم", "क्\u200dष", "葛\U000e0100城市", "Ａｃｍｅ", "Müller & Søn"],
)  # fmt: skip
def test_names_keep_what_their_script_or_emoji_needs(read, table, name: str) -> None:
    assert read(table({"customer_name": name}))[0].customer_name == name


@pytest.mark.parametrize("last", [ASTRONAUT, "🇩🇪", "e\u0332", "❤\ufe0f", "👍🏽", "1\ufe0f\u20e3", "क्ष"])
def test_a_name_is_never_cut_inside_of_a_character(last: str) -> None:
    ending = "'s Apply Integration"
    for room in range(len(last) + 2):
        kept = "x" * (200 - len(ending) - room)
        name = default_name(kept + last + "y" * 9, "APPLY")
        assert name[: -len(ending)] in (kept, *(kept + last + "y" * more for more in range(9)))
        taken = "x" * (50 - len("A - ") - room)
        cut = application_name("A", taken + last + "y" * 9)
        assert cut.removeprefix("A - ") in (taken, *(taken + last + "y" * more for more in range(9)))


def test_flags_are_cut_between_flags() -> None:
    assert default_name("🇩🇪🇫🇷" * 50, "X" * 64).startswith("🇩🇪🇫🇷")
    assert (len(default_name("🇩🇪" * 100, "APPLY")) - len("'s Apply Integration")) % 2 == 0


@pytest.mark.parametrize("customer_id", ["acme\u200d", "ac\u00a0me", "ａcme", "acme\u034f"])
def test_a_new_customer_of_provision_is_held_to_the_same_rule(customer_id: str) -> None:
    with pytest.raises(ValidationError, match=r"holds U\+"):
        ProvisionRequest(new={customer_id: "Acme"})
    assert ProvisionRequest(new={"Cafe\u0301": "Cafe\u0301"}).new == {"Caf\u00e9": "Caf\u00e9"}
    with pytest.raises(ValidationError, match="is given twice"):
        ProvisionRequest(new={"Cafe\u0301": "One", "Caf\u00e9": "Two"})
