"""The rules of one value: what is just inside, and what is just outside."""

import unicodedata

import pytest

from greenlight.domain.formatting import default_name, readable_type
from greenlight.intake.rows import COLUMNS, quoted
from greenlight.intake.unknown_columns import nearest_column

BIDI = [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]
LABEL = "urn:li:organization:"


def stored(read, content: str, field: str) -> object:
    (customer,) = read(content)
    key, name = customer.integrations[0]
    credentials = customer.credentials
    return {
        "customer_id": customer.customer_id,
        "customer_name": customer.customer_name,
        "client_id": credentials and credentials.client_id,
        "client_secret": credentials and credentials.client_secret.get_secret_value(),
        "integration_context": key.integration_context,
        "integration_type": key.integration_type,
        "tenant_type": key.tenant_type,
        "integration_name": name,
    }[field]


@pytest.mark.parametrize("lines", ["table", "objects"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customer_id", "a"), ("customer_id", "x" * 128), ("customer_id", "Acme / 17 (new)"), ("customer_id", "会社"),
        ("customer_name", "x" * 200), ("customer_name", "😀" * 200), ("customer_name", "👩\u200d🚀"),
        ("customer_name", "می\u200cخواهم"), ("customer_name", "株式会社\u3000例"), ("customer_name", "🫨"),
        ("customer_name", "=cmd|' /C calc'!A0"), ("customer_name", "+1"), ("customer_name", "@x"),
        ("customer_name", "Robert'); DROP TABLE x;--"), ("customer_name", "<img onerror=x>{{7*7}}[link=x]"),
        ("client_id", "A-z0.9_"), ("client_id", "x" * 128),
        ("client_secret", "!"), ("client_secret", "~" * 512), ("client_secret", "a,b;\"c\"'=="),
        ("integration_context", "urn:li:contract:9"), ("integration_context", LABEL + "x" * 128),
        ("integration_type", "SOMETHING_OF_2031"), ("tenant_type", "RECRUITER"),
        ("integration_name", "x" * 200), ("integration_name", "-2+3"),
    ],
)  # fmt: skip
def test_good_values_are_stored_as_they_are(
    read, lines: str, field: str, value: str, request: pytest.FixtureRequest
) -> None:
    assert stored(read, request.getfixturevalue(lines)({field: value}), field) == value


BLANK_AT_END = "begins or ends with a blank"
CLIENT_ID = "must be 1 to 128 of the characters A-Z a-z 0-9 . _ -"
CLIENT_SECRET = "must be 1 to 512 printable ASCII characters without blanks"
URN = "is not a URN of the form urn:li:organization:ID or urn:li:contract:ID"
CONSTANT = "is not a constant like APPLY_WITH_LINKEDIN or JOBS (capitals, digits and _)"


@pytest.mark.parametrize("lines", ["table", "objects"])
@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("customer_id", "", "is empty"),
        ("customer_id", " ", BLANK_AT_END),
        ("customer_id", "acme ", BLANK_AT_END),
        ("customer_id", "x" * 129, "has 129 characters, at most 128 are allowed"),
        ("customer_id", "ac\u00a0me",
            "holds U+00A0 NO-BREAK SPACE, which is no ordinary blank; take it out or write one"),
        ("customer_id", "ac\tme", "holds the control character U+0009; take it out"),
        ("customer_name", "", "is empty"),
        ("customer_name", "\u3000Acme", BLANK_AT_END),
        ("customer_name", "x" * 201, "has 201 characters, at most 200 are allowed"),
        ("customer_name", "Ac\x1b[31mme", "holds the control character U+001B; take it out"),
        ("customer_name", "Ac\x7fme", "holds the control character U+007F; take it out"),
        ("customer_name", "Ac\x9bme", "holds the control character U+009B; take it out"),
        ("customer_name", "Ac\nme", "holds a line break; write it on one line (or is a quote left open?)"),
        ("customer_name", "Ac\x00me", "holds a NUL character; save the file as UTF-8"),
        ("customer_name", "Ac\u200bme", "holds U+200B ZERO WIDTH SPACE, which does not print; take it out"),
        ("customer_name", "\ufeffAcme", "holds U+FEFF ZERO WIDTH NO-BREAK SPACE, which does not print; take it out"),
        ("customer_name", "Ac\u2028me", "holds U+2028 LINE SEPARATOR, which does not print; take it out"),
        ("customer_name", "Ac\ue000me", "holds U+E000, which does not print; take it out"),
        ("customer_name", "Ac\uffffme", "holds U+FFFF, which does not print; take it out"),
        ("customer_name", "\u200d\u200c", "holds U+200D ZERO WIDTH JOINER, which does not print; take it out"),
        ("client_id", "has blank", CLIENT_ID),
        ("client_id", "x" * 129, CLIENT_ID),
        ("client_id", "７８", CLIENT_ID),
        ("client_id", "a</script>", CLIENT_ID),
        ("client_id", "a\nb", "holds a line break; write it on one line (or is a quote left open?)"),
        ("client_secret", "two words", CLIENT_SECRET),
        ("client_secret", "x" * 513, CLIENT_SECRET),
        ("client_secret", "sécret", CLIENT_SECRET),
        ("client_secret", "a\x00b", CLIENT_SECRET),
        ("integration_context", "", "is empty"),
        ("integration_context", "4gX03uw", URN),
        ("integration_context", "urn:li:organization:", f"'urn:li:organization:' {URN}"),
        ("integration_context", "urn:li:organization:1%2C2", f"'urn:li:organization:1%2C2' {URN}"),
        ("integration_context", "urn:li:organization:１", URN),
        ("integration_context", LABEL + "x" * 10_000, URN),
        ("integration_context", LABEL + "1\n", "holds a line break; write it on one line (or is a quote left open?)"),
        ("integration_context", "urn:li:company:7",
            "'urn:li:company:7' is the legacy form; use urn:li:organization:7"),
        ("integration_type", "", "is empty"),
        ("integration_type", "apply_with_linkedin", CONSTANT),
        ("tenant_type", "", "is empty"),
        ("tenant_type", "JOBS ", CONSTANT),
        ("integration_name", "x" * 201, "has 201 characters, at most 200 are allowed"),
        ("integration_name", " ", BLANK_AT_END),
        ("integration_name", "a\u00adb", "holds U+00AD SOFT HYPHEN, which does not print; take it out"),
    ],
)  # fmt: skip
def test_bad_values_are_one_error_at_their_field(
    errors, lines: str, field: str, value: str, why: str, request: pytest.FixtureRequest
) -> None:
    good_then_bad = ({"customer_id": "beta", "client_id": "other"}, {field: value})
    told = errors(request.getfixturevalue(lines)(*good_then_bad))
    assert told == [f"in.csv:{3 if lines == 'table' else 2}: {field}: {why}"]


@pytest.mark.parametrize("field", ["customer_id", "customer_name", "integration_name"])
@pytest.mark.parametrize("char", BIDI)
def test_text_that_turns_its_direction_is_refused(errors, table, field: str, char: str) -> None:
    assert errors(table({field: f"Ac{char}me"})) == [
        f"in.csv:2: {field}: holds U+{ord(char):04X} {unicodedata.name(char)}, which does not print; take it out"
    ]


@pytest.mark.parametrize("field", ["customer_name", "integration_name"])
def test_names_and_ids_are_stored_composed(read, table, field: str) -> None:
    assert stored(read, table({field: "Cafe\u0301"}), field) == "Caf\u00e9"
    assert stored(read, table({"customer_id": "Cafe\u0301"}), "customer_id") == "Caf\u00e9"


def test_the_length_of_a_name_is_that_of_its_composed_form(read, table) -> None:
    assert stored(read, table({"customer_name": "e\u0301" * 200}), "customer_name") == "\u00e9" * 200


@pytest.mark.parametrize("lines", ["table", "objects"])
@pytest.mark.parametrize(("empty", "given"), [("client_id", "client_secret"), ("client_secret", "client_id")])
def test_half_of_the_credentials_is_refused_and_none_is_fine(
    read, errors, lines: str, empty: str, given: str, request: pytest.FixtureRequest
) -> None:
    write = request.getfixturevalue(lines)
    (error,) = errors(write({empty: ""}))
    line = 2 if lines == "table" else 1
    assert error == f"in.csv:{line}: {empty}: is empty while {given} is given; give both or neither"
    assert read(write({"client_id": "", "client_secret": ""}))[0].credentials is None


@pytest.mark.parametrize("field", [name for name in COLUMNS if name != "client_secret"])
@pytest.mark.parametrize("wrapped", ["{}", "urn:li:{}:1", "{}\n", " {}", "\u202e{}", "urn:li:company:{}", "{}é"])
def test_a_secret_that_slipped_into_another_column_is_not_told(errors, table, field: str, wrapped: str) -> None:
    """Whether or not its own column still holds it."""
    told = []
    for secret_cell in ("CANARY-0815", "78abc"):
        row = {"client_secret": secret_cell, field: wrapped.format("CANARY-0815"), "tenant_type": "jobs"}
        if secret_cell == "78abc" and wrapped.startswith("urn") and field == "integration_context":
            continue
        told += errors(table(row))
    assert any(": tenant_type: " in line for line in told)
    assert "CANARY" not in "\n".join(told)


@pytest.mark.parametrize(
    ("constant", "readable"),
    [
        ("APPLY_WITH_LINKEDIN", "Apply with LinkedIn"), ("APPLY_CONNECT", "Apply Connect"), ("CSA_API", "CSA API"),
        ("IN_ATS_INDICATOR", "In ATS Indicator"), ("ONE_CLICK_EXPORT", "One Click Export"),
        ("PROFILE_PLUGIN", "Profile Plugin"), ("CRM_CSA_API", "CRM CSA API"), ("NEW__THING_2_", "New Thing 2"),
    ],
)  # fmt: skip
def test_types_are_readable(constant: str, readable: str) -> None:
    assert readable_type(constant) == readable


def test_an_empty_integration_name_gets_a_readable_default(read, table) -> None:
    assert stored(read, table({"integration_name": ""}), "integration_name") == (
        "Acme's Apply with LinkedIn Integration"
    )


def test_a_default_name_is_trimmed_to_200_and_keeps_the_type() -> None:
    ending = "'s Apply Connect Integration"
    assert default_name("x" * 172, "APPLY_CONNECT") == "x" * 172 + ending
    assert default_name("x" * 173, "APPLY_CONNECT") == "x" * 172 + ending
    assert default_name("x" * 171 + " y", "APPLY_CONNECT") == "x" * 171 + ending
    assert len(default_name("x" * 200, "X" * 64)) == 200


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "'plain'"), ("a\nb\u202e", r"'a\nb\u202e'"), ("x" * 78, "'" + "x" * 78 + "'"),
     ("x" * 81, "'" + "x" * 75 + "...'"), ("\x00" * 30, "'" + ("\\x00" * 30)[:75] + "...'")],
)  # fmt: skip
def test_quoted_text_is_one_short_line(text: str, shown: str) -> None:
    assert quoted(text) == shown
    assert len(shown) <= 80


@pytest.mark.parametrize(
    ("name", "column"),
    [("customer id", "customer_id"), ("ClientSecret", "client_secret"), ("integration_typ", "integration_type"),
     ("remark", None), ("", None), ("_", None), ("customer_id" * 10, None)],
)  # fmt: skip
def test_the_nearest_column(name: str, column: str | None) -> None:
    assert nearest_column(name) == column
