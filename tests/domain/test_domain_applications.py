"""What a child application is created with: its name as customers see it, the origins and the client id."""

import re
import unicodedata
from ipaddress import IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from greenlight.domain.applications import (
    MAX_ATS_NAME,
    MAX_NAME,
    InvalidOrigin,
    application_name,
    is_client_id,
    name_units,
    names_linkedin,
    parse_origin,
)
from tests.domain.things import QUIET

#: Pieces that are dangerous where they meet: halves of the word, other spellings of its letters, joiners, controls.
_PIECES = [
    *("LinkedIn", "linkedin", "LINKEDIN", "link", "edin", "Linked", "In", "l", "ı", "İ", "ⅼ", "\u212a"),
    *(
        "ＬｉｎｋｅｄＩｎ",
        "ℓ",
        "ｌ",
        "🄻",
        "𝓛𝓲𝓷𝓴𝓮𝓭𝓘𝓷",
        "\u00ad",
        "\u200b",
        "\u200c",
        "\u200d",
        "\ufe0f",
        "\u202e",
        "\u0307",
    ),
    *("\n", "\r", "\t", "\x00", "\x1b", "\x85", "\u2028", "\u2029", "\u3000", "\u1680", "\ud83d", "\ude80", "\ud800"),
    *("👩\u200d👩\u200d👧", "🚀", "ﷺ", "ß", "é", "e\u0301", "Ångström", " ", "-", "--", " - ", "a", "word "),
]
#: Python's own text strategy leaves lone surrogates out; a file's or a form's text may have them.
anything = st.text(st.characters(), max_size=90) | st.lists(st.sampled_from(_PIECES), max_size=40).map("".join)
ats_names = st.text("ABCabc &.", min_size=1, max_size=MAX_ATS_NAME - 2).map(lambda text: f"X{text}".strip())


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize(
    ("ats", "customer", "name"),
    [
        pytest.param("Acme ATS", "Globex", "Acme ATS - Globex", id="the documented form"),
        pytest.param("ATS", "Müller & Söhne", "ATS - Müller & Söhne", id="proper names keep their letters"),
        pytest.param("ATS", "株式会社リンク", "ATS - 株式会社リンク", id="in any script"),
        pytest.param("ATS", "  Two \n lines\t", "ATS - Two lines", id="blanks are one blank"),
        pytest.param("ATS", "LinkedIn", "ATS - customer", id="nothing but the word that is not allowed"),
        pytest.param("ATS", "", "ATS - customer", id="no name at all"),
        pytest.param("ATS", "Friends of linkedIN Ltd", "ATS - Friends of Ltd", id="the word in the middle"),
        pytest.param("ATS", "LinkLinkedInedIn", "ATS - customer", id="the word that is left when the word is gone"),
        pytest.param("My LinkedIn ATS", "Acme", "My ATS - Acme", id="the word in the ATS's own name"),
        pytest.param("ATS", "ＬｉｎｋｅｄＩｎ Talent", "ATS - Talent", id="in full width"),
        pytest.param("ATS", "ﬁne", "ATS - fine", id="a ligature as its letters"),
        pytest.param("ATS", "x" * 44, f"ATS - {'x' * 44}", id="fifty characters fit"),
        pytest.param("ATS", "x" * 45, f"ATS - {'x' * 44}", id="one word that does not fit is cut where it must be"),
        pytest.param(
            "ATS",
            "A very long customer name that goes on and beyond",
            "ATS - A very long customer name that goes on and",
            id="cut at a blank",
        ),
        pytest.param("ATS", f"Al {'y' * 60}", f"ATS - Al {'y' * 41}", id="a blank too far in front is no place to cut"),
        # 6 units for the beginning and 2 for each rocket.
        pytest.param("ATS", "🚀" * 30, f"ATS - {'🚀' * 22}", id="counted as LinkedIn counts, without half a character"),
    ],
)
def test_names_as_people_read_them(ats: str, customer: str, name: str) -> None:
    assert application_name(ats, customer) == name


@QUIET
@given(anything, anything)
@example("\ud83d", "\ude80")
@example("ATS", "🚀" * 60)
@example("LinkLinkedInedIn", "linkLINKEDINedin")
def test_whatever_the_names_are_linkedin_takes_the_result(ats: str, customer: str) -> None:
    name = application_name(ats, customer)
    assert units(name) <= MAX_NAME
    assert not names_linkedin(name)
    assert "linkedin" not in unicodedata.normalize("NFKC", name).casefold()
    assert not [c for c in name if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs")]
    assert name.encode("utf-8").decode("utf-8") == name
    assert name.splitlines() == [name]
    assert application_name(ats, customer) == name


@QUIET
@given(ats_names, anything)
def test_the_name_begins_with_the_ats(ats: str, customer: str) -> None:
    """Customers must recognise on the consent screen who asks them."""
    own = re.sub(r"\s+", " ", ats)
    name = application_name(ats, customer)
    assert name == own or name.startswith(f"{own} -")


@QUIET
@given(ats_names, st.text("abc xyz", max_size=80))
def test_a_customer_with_letters_is_in_the_name(ats: str, customer: str) -> None:
    """An ATS's name of any length leaves room for the customer's own."""
    name = application_name(ats, customer)
    first = customer.split()[0] if customer.split() else "customer"
    rest = name.removeprefix(re.sub(r"\s+", " ", ats)).removeprefix(" - ")
    assert rest
    assert first.startswith(rest) or rest.startswith(first)


@pytest.mark.parametrize(
    "text", ["LinkedIn", "linkedin", "a LINKEDIN b", "ＬｉｎｋｅｄＩｎ", "𝓛𝓲𝓷𝓴𝓮𝓭𝓘𝓷", "xLinkedInx", "lin\u212aedin"]
)
def test_linkedin_is_found_in_every_case_and_width(text: str) -> None:
    assert names_linkedin(text)


@pytest.mark.parametrize("text", ["", "Linked In", "Link", "Linked-In", "nideknil", "Linkedlnn"])
def test_what_is_not_linkedin_is_not_found(text: str) -> None:
    assert not names_linkedin(text)


GOOD_ORIGINS = [
    pytest.param("https://jobs.example.com", id="https"),
    pytest.param("http://jobs.example.com", id="http, which LinkedIn allows"),
    pytest.param("https://jobs.example.com:8443", id="a port of its own"),
    pytest.param("http://jobs.example.com:443", id="the other scheme's default port"),
    pytest.param("https://jobs.example.com:80", id="and the other way round"),
    pytest.param("http://localhost:3000", id="a machine of one's own"),
    pytest.param("http://127.0.0.1:8780", id="an address"),
    pytest.param("http://[::1]:8780", id="an address of IPv6"),
    pytest.param("https://xn--mller-kva.example", id="an umlaut as browsers send it"),
    pytest.param("https://a-b.c1.example", id="dashes and digits"),
    pytest.param(f"https://{'a' * 63}.example", id="the longest label"),
    pytest.param("https://a:65535", id="the last port"),
]
BAD_ORIGINS = [
    pytest.param("https://jobs.example.com/", "ends with a slash", id="a trailing slash, as LinkedIn's page says"),
    pytest.param("https://", "ends with a slash", id="a scheme alone"),
    pytest.param("jobs.example.com", "write it with its scheme", id="no scheme, as LinkedIn's page says"),
    pytest.param("//jobs.example.com", "write it with its scheme", id="half a scheme"),
    pytest.param("ftp://jobs.example.com", "write it with its scheme", id="another scheme"),
    pytest.param("javascript:alert(1)", "write it with its scheme", id="a script"),
    pytest.param("https:jobs.example.com", "write it with its scheme", id="a scheme without its slashes"),
    pytest.param(" https://jobs.example.com", "write it with its scheme", id="a blank in front"),
    pytest.param("", "write it with its scheme", id="nothing"),
    pytest.param("null", "write it with its scheme", id="what browsers send for no origin"),
    pytest.param("*", "write it with its scheme", id="a wildcard"),
    pytest.param("https://jobs.example.com/careers", "leave the rest out", id="a path"),
    pytest.param("https://jobs.example.com?a=1", "leave the rest out", id="a query"),
    pytest.param("https://jobs.example.com?", "leave the rest out", id="an empty query"),
    pytest.param("https://jobs.example.com#a", "leave the rest out", id="a fragment"),
    pytest.param("https://jobs.example.com#", "leave the rest out", id="an empty fragment"),
    pytest.param("https://Jobs.example.com", "write 'https://jobs.example.com'", id="capitals in the host"),
    pytest.param("HTTPS://jobs.example.com", "is not an origin", id="capitals in the scheme"),
    pytest.param("https://jobs.example.com:443", "default port", id="https's own port"),
    pytest.param("http://jobs.example.com:80", "default port", id="http's own port"),
    pytest.param("https://jobs.example.com:", "is not an origin", id="a colon without a port"),
    pytest.param("https://jobs.example.com:08443", "is not an origin", id="a port that no browser writes so"),
    pytest.param("https://jobs.example.com:65536", "is not an origin", id="a port that there is not"),
    pytest.param("https://jobs.example.com:x", "is not an origin", id="a port that is no number"),
    pytest.param("https://jobs.example.com:8_0", "is not an origin", id="a port that Python's int would take"),
    pytest.param("https://:8443", "is not an origin", id="a port alone"),
    pytest.param("https://*.example.com", "is not an origin", id="a wildcard for hosts"),
    pytest.param("https://jobs.example.com.", "is not an origin", id="a dot at the end"),
    pytest.param("https://jobs..example.com", "is not an origin", id="an empty label"),
    pytest.param("https://-jobs.example.com", "is not an origin", id="a dash in front"),
    pytest.param(f"https://{'a' * 64}.example", "is not an origin", id="a label that is too long"),
    pytest.param("https://müller.example", "is not an origin", id="an umlaut as nobody sends it"),
    pytest.param("https://jobs.example.com\n", "is not an origin", id="a line break behind"),
    pytest.param("https://jobs\t.example.com", "is not an origin", id="a tab, which parsers leave out"),
    pytest.param("https://jobs.example.com https://b.example", "leave the rest out", id="two of them"),
    pytest.param("https://jobs.example.com\\a", "is not an origin", id="a backslash"),
    pytest.param("https://a.example;script-src", "is not an origin", id="the end of a policy's directive"),
    pytest.param("https://[::1", "is not an origin", id="a bracket that nobody closes"),
    pytest.param("https://[jobs]", "is not an origin", id="brackets around a name"),
    pytest.param("https://[fe80::1%25eth0]", "is not an origin", id="a zone"),
    pytest.param("https://x[::1]", "is not an origin", id="text before an address of IPv6"),
    pytest.param("https://[::1]evil.example", "is not an origin", id="text behind an address of IPv6"),
    pytest.param("https://[::1]evil:81", "is not an origin", id="text between an address of IPv6 and its port"),
    pytest.param("https://[::1];script-src", "is not an origin", id="a directive's end behind an address of IPv6"),
    pytest.param("https://[v1.abc]", "is not an origin", id="an address of the future"),
    pytest.param("https://[0:0::1]", "is not an origin", id="an address of IPv6 that browsers write shorter"),
]


@pytest.mark.parametrize("text", GOOD_ORIGINS)
def test_an_origin_is_taken_as_it_is(text: str) -> None:
    assert parse_origin(text) == text


@pytest.mark.parametrize(("text", "why"), BAD_ORIGINS)
def test_what_no_browser_sends_as_an_origin_is_refused(text: str, why: str) -> None:
    """LinkedIn compares texts: an origin that is written otherwise fails on the customer's page, much later."""
    with pytest.raises(InvalidOrigin, match=re.escape(why)) as refusal:
        parse_origin(text)
    assert str(refusal.value).startswith(repr(text[:70])[:-1])
    assert str(refusal.value).isprintable()


def test_a_long_text_is_shown_in_part() -> None:
    with pytest.raises(InvalidOrigin) as refusal:
        parse_origin("x" * 81)
    assert repr("x" * 77 + "...") in str(refusal.value)
    with pytest.raises(InvalidOrigin) as refusal:
        parse_origin("x" * 80)
    assert repr("x" * 80) in str(refusal.value)


hosts = (
    st.text("ab1-.", max_size=12)
    | st.sampled_from(
        ["jobs.example.com", "Jobs", "[::1]", "x[::1]", "[::1]x", "[a::]", "a@b", "é", "a]b", "[]", "[v1.a]"]
    )
    | st.integers(0, 2**128 - 1).map(lambda number: f"[{IPv6Address(number)}]")
    | st.lists(st.sampled_from(["0", "1", "a", "::", ":", "1.2.3.4"]), max_size=9).map(lambda ps: f"[{''.join(ps)}]")
)
ports = st.sampled_from(["", "", ":", ":80", ":443", ":8443", ":080", ":0", ":65536", ":-1", ":x", ":\u0661"])
rests = st.sampled_from(["", "", "", "", "/", "/a", "?", "#", "?a", "\n", " ", ";", "\\", "\x00"])
candidates = st.builds("{}{}{}{}".format, st.sampled_from(["https://", "http://", "HTTP://"]), hosts, ports, rests)


@QUIET
@given(candidates | st.text(st.characters(), max_size=20).map("https://".__add__))
@example("https://[::1]x")
@example("https://[0:0::1]")
def test_what_is_accepted_is_what_every_parser_calls_its_origin(text: str) -> None:
    """Nothing else can ever equal a browser's `Origin`."""
    try:
        origin = parse_origin(text)
    except InvalidOrigin:
        return
    assert origin == text == parse_origin(origin)
    assert origin == str(URL(text).origin())
    parts = urlsplit(text)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    assert origin == f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port is not None else "")


@pytest.mark.parametrize("text", ["77abc0def", "a", "A.b_c-D", "x" * 128])
def test_a_client_id(text: str) -> None:
    assert is_client_id(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 129, id="longer than any"),
        pytest.param("abc\n", id="a line break behind would be the plugin's next directive"),
        pytest.param("abc\nextensions: evil", id="a directive of its own"),
        pytest.param("\nabc", id="a line break in front"),
        pytest.param("a b", id="a blank"),
        pytest.param(" ", id="nothing but a blank"),
        pytest.param("</script>", id="the end of the script"),
        pytest.param("a'b", id="a quote"),
        pytest.param("é", id="not ASCII"),
        pytest.param("١٢", id="digits of another script"),
        pytest.param("a\u2028b", id="another kind of line break"),
    ],
)
def test_what_cannot_stand_in_the_plugins_script_is_no_client_id(text: str) -> None:
    assert not is_client_id(text)


@pytest.mark.parametrize("text", ["https://user@jobs.example.com", "https://a:canary@jobs.example.com", "https://@x.y"])
def test_what_may_be_a_password_is_not_quoted(text: str) -> None:
    with pytest.raises(InvalidOrigin) as refusal:
        parse_origin(text)
    assert str(refusal.value) == "it has a user or a password in it; leave them out"


@pytest.mark.parametrize(("name", "units"), [("Talentgrid", 10), ("🚀", 2), ("ﷺ", 18), ("LinkedIn Hire", 4)])
def test_an_ats_name_is_measured_as_it_will_be_written(name: str, units: int) -> None:
    assert name_units(name) == units
