"""The settings of provisioning and of the portal: defaults that run, and a sentence for each that cannot be used."""

import pytest

from greenlight.domain.applications import application_name
from greenlight.settings import InvalidSettings, Settings
from tests.settings.conftest import Load


def test_nothing_has_to_be_set(load: Load) -> None:
    settings = load()
    assert settings.ats_name == "ATS"
    assert settings.js_sdk_domains == ()
    assert settings.application_ready_seconds == 300, "as long as LinkedIn says that a new application may take"
    assert settings.portal_url == "http://127.0.0.1:8780"
    assert settings.linkedin_widget_extension == "https://platform.linkedin.com/rsc/extensions/onboarding-widget"
    assert settings.portal_integrations == (
        "RECRUITER_SYSTEM_CONNECT_COMPANY",
        "RECRUITER_SYSTEM_CONNECT_CONTRACT",
        "APPLY_WITH_LINKEDIN",
    ), "the bundles of LinkedIn's sample, in its order"
    assert settings.portal_frame_ancestors == ()
    assert settings.portal_extra_sources == ()
    assert settings.portal_csp_report_only is False
    assert settings.portal_trusted_proxies == ()
    assert settings.embed_origins == ()


def test_the_plugin_is_shown_on_the_portal_unless_other_pages_are_named(load: Load) -> None:
    """An application that does not name the portal's own origin could not show the plugin there."""
    assert load().origins == ("http://127.0.0.1:8780",)
    assert load(PORTAL_URL="https://portal.example.com").origins == ("https://portal.example.com",)
    both = load(JS_SDK_DOMAINS="https://a.example,https://portal.example.com")
    assert both.origins == ("https://a.example", "https://portal.example.com")


def test_pages_that_embed_the_plugin_are_where_it_is_to_work(load: Load) -> None:
    """Beside whatever else is named, and each once."""
    assert load(EMBED_ORIGINS="https://app.example").origins == ("http://127.0.0.1:8780", "https://app.example")
    both = load(JS_SDK_DOMAINS="https://a.example,https://app.example", EMBED_ORIGINS="https://app.example")
    assert both.origins == ("https://a.example", "https://app.example")


ORIGIN_LISTS = ["JS_SDK_DOMAINS", "PORTAL_FRAME_ANCESTORS", "PORTAL_EXTRA_SOURCES"]

GOOD = [
    pytest.param("ATS_NAME", "Acme Hire", "Acme Hire", id="a name with a blank"),
    pytest.param("ATS_NAME", "  Acme  ", "Acme", id="blanks around it"),
    pytest.param("ATS_NAME", "Bewerbung & Söhne", "Bewerbung & Söhne", id="letters of any script"),
    pytest.param("ATS_NAME", "x" * 30, "x" * 30, id="the longest"),
    pytest.param("APPLICATION_READY_SECONDS", "0", 0, id="no wait at all"),
    pytest.param("APPLICATION_READY_SECONDS", "0.5", 0.5, id="half a second"),
    pytest.param("APPLICATION_READY_SECONDS", "3600", 3600, id="the longest wait"),
    *[
        pytest.param(name, text, value, id=f"{name} {id}")
        for name in ORIGIN_LISTS
        for text, value, id in [
            ("", (), "empty"),
            (" , ", (), "nothing but commas"),
            ("https://a.example", ("https://a.example",), "one"),
            (" https://b.example , http://a.example:81, ", ("https://b.example", "http://a.example:81"), "in order"),
            ("https://a.example,https://a.example", ("https://a.example",), "the same twice"),
        ]
    ],
    pytest.param("EMBED_ORIGINS", "", (), id="embedded nowhere"),
    pytest.param(
        "EMBED_ORIGINS",
        " https://b.example:8443 ,http://127.0.0.1:81,http://localhost,https://b.example:8443,",
        ("https://b.example:8443", "http://127.0.0.1:81", "http://localhost"),
        id="embedded on some pages, each once",
    ),
    pytest.param("PORTAL_URL", "https://portal.example.com", "https://portal.example.com", id="https"),
    pytest.param("PORTAL_URL", "https://portal.example.com:8443", "https://portal.example.com:8443", id="a port"),
    pytest.param("PORTAL_URL", "http://localhost:8780", "http://localhost:8780", id="loopback by name"),
    pytest.param("PORTAL_URL", "http://[::1]:8780", "http://[::1]:8780", id="loopback of IPv6"),
    pytest.param("PORTAL_URL", "http://127.9.9.9", "http://127.9.9.9", id="all of the loopback network"),
    pytest.param("LINKEDIN_WIDGET_EXTENSION", "https://a.example/w/", "https://a.example/w", id="another extension"),
    pytest.param("PORTAL_INTEGRATIONS", "APPLY_CONNECT", ("APPLY_CONNECT",), id="one bundle"),
    pytest.param("PORTAL_INTEGRATIONS", " B_1 ,A,B_1", ("B_1", "A"), id="bundles of tomorrow, once and in order"),
    pytest.param("PORTAL_CSP_REPORT_ONLY", "true", True, id="report only"),
    pytest.param("PORTAL_CSP_REPORT_ONLY", "0", False, id="not report only"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "10.0.0.1, ::1", ("10.0.0.1", "::1"), id="proxies of both kinds"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8", ("10.0.0.0/8", "fd00::/8"), id="networks of proxies"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "", (), id="no proxies"),
]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_good_value_is_taken(load: Load, name: str, text: str, value: object) -> None:
    assert getattr(load(**{name: text}), name.lower()) == value


BAD = [
    pytest.param("ATS_NAME", "", id="no name"),
    pytest.param("ATS_NAME", "   ", id="nothing but blanks"),
    pytest.param("ATS_NAME", "x" * 31, id="a name that leaves the customer no room"),
    pytest.param("ATS_NAME", "a\nb", id="two lines"),
    pytest.param("ATS_NAME", "a\u202eb", id="a character that turns the text around"),
    pytest.param("ATS_NAME", "a\u200bb", id="a character that nobody sees"),
    pytest.param("ATS_NAME", "My LinkedIn ATS", id="LinkedIn's own name, which LinkedIn refuses"),
    pytest.param("ATS_NAME", "LINKEDIN", id="in capitals"),
    pytest.param("ATS_NAME", "ＬｉｎｋｅｄＩｎ", id="in full width"),
    pytest.param("APPLICATION_READY_SECONDS", "-1", id="a wait into the past"),
    pytest.param("APPLICATION_READY_SECONDS", "3600.1", id="more than an hour"),
    pytest.param("APPLICATION_READY_SECONDS", "inf", id="for ever"),
    pytest.param("APPLICATION_READY_SECONDS", "nan", id="not a number"),
    pytest.param("APPLICATION_READY_SECONDS", "soon", id="a word"),
    pytest.param("APPLICATION_READY_SECONDS", "", id="nothing where a number should be"),
    *[
        pytest.param(name, text, id=f"{name} {id}")
        for name in [*ORIGIN_LISTS, "EMBED_ORIGINS"]
        for text, id in [
            ("https://a.example/", "a trailing slash"),
            ("a.example", "no scheme"),
            ("https://a.example,https://b.example/x", "one bad among good ones"),
            ("https://a.example https://b.example", "blanks instead of commas"),
            ("https://a.example;script-src", "the end of a directive"),
            ("'unsafe-inline'", "a policy's keyword"),
            ("*", "a wildcard"),
            ("https://*.example", "a wildcard for hosts"),
        ]
    ],
    pytest.param("EMBED_ORIGINS", "http://app.example.com", id="a token in plain text"),
    pytest.param("EMBED_ORIGINS", "null", id="the origin of whatever has none"),
    pytest.param("EMBED_ORIGINS", "https://" + ".".join(["a" * 60] * 6), id="a name that no host has"),
    pytest.param("PORTAL_URL", "", id="no origin"),
    pytest.param("PORTAL_URL", "portal.example.com", id="no scheme of the portal"),
    pytest.param("PORTAL_URL", "https://portal.example.com/", id="a trailing slash of the portal"),
    pytest.param("PORTAL_URL", "https://portal.example.com/greenlight", id="a path"),
    pytest.param("PORTAL_URL", "http://portal.example.com", id="sessions in plain text"),
    pytest.param("PORTAL_URL", "http://10.0.0.1", id="plain text to a private network"),
    pytest.param("PORTAL_URL", "http://0.0.0.0:8780", id="every interface is not loopback"),
    pytest.param("PORTAL_URL", "http://localhost.evil.com", id="a name that only begins like localhost"),
    pytest.param("PORTAL_URL", "http://127.1", id="a shortened address"),
    pytest.param("LINKEDIN_WIDGET_EXTENSION", "http://platform.linkedin.com/w", id="a script in plain text"),
    pytest.param("LINKEDIN_WIDGET_EXTENSION", "onboarding-widget", id="no address of the extension"),
    pytest.param("PORTAL_INTEGRATIONS", "", id="nothing to offer"),
    pytest.param("PORTAL_INTEGRATIONS", ",", id="nothing but a comma"),
    pytest.param("PORTAL_INTEGRATIONS", "apply_connect", id="a bundle in small letters"),
    pytest.param("PORTAL_INTEGRATIONS", 'A" onload="x', id="the end of an attribute"),
    pytest.param("PORTAL_INTEGRATIONS", "APPLY_CONNECT,</script>", id="the end of a script"),
    pytest.param("PORTAL_CSP_REPORT_ONLY", "perhaps", id="neither yes nor no"),
    pytest.param("PORTAL_CSP_REPORT_ONLY", "", id="nothing where yes or no should be"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "*", id="everybody"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "10.0.0.1/8", id="an address in a network, or the network"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "0.0.0.0/0", id="everybody, in other words"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "::/0", id="everybody else"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "::ffff:10.0.0.0/104", id="an IPv4 network that nobody comes from"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "proxy.local", id="a name may lead anywhere"),
    pytest.param("PORTAL_TRUSTED_PROXIES", "10.0.0.1,10.0.0.256", id="one bad address among good ones"),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_value_is_refused_by_name(load: Load, name: str, text: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        load(**{name: text})
    assert str(refusal.value).startswith(f"GREENLIGHT_{name} ")
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).isprintable()


SENTENCES = [
    (
        "JS_SDK_DOMAINS",
        "https://a.example,https://b.example/",
        "has an entry that cannot be used: 'https://b.example/' ends with a slash; leave it out",
    ),
    (
        "PORTAL_URL",
        "http://portal.example.com",
        "uses plain http, which is accepted for a loopback address alone; use https",
    ),
    (
        "PORTAL_URL",
        "https://portal.example.com/",
        "is not the portal's origin: 'https://portal.example.com/' ends with a slash; leave it out",
    ),
    (
        "PORTAL_INTEGRATIONS",
        "",
        "names no integration; give a comma list like APPLY_WITH_LINKEDIN,APPLY_CONNECT",
    ),
    (
        "PORTAL_TRUSTED_PROXIES",
        "::1,10.0.0.0/33",
        "has '10.0.0.0/33', which is no IP address and no network like 10.0.0.0/8",
    ),
    ("ATS_NAME", " ", "is empty or has characters that cannot be shown; give the ATS's name"),
    ("ATS_NAME", "A LinkedIn ATS", 'has "LinkedIn" in it, which LinkedIn does not allow; leave it out'),
]


@pytest.mark.parametrize(("name", "text", "sentence"), SENTENCES)
def test_the_sentence_says_what_is_wrong_and_what_to_do(load: Load, name: str, text: str, sentence: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        load(**{name: text})
    assert str(refusal.value) == f"GREENLIGHT_{name} {sentence}"


@pytest.mark.parametrize("name", ["PORTAL_URL", *ORIGIN_LISTS])
def test_a_password_in_an_origin_is_not_shown(load: Load, name: str) -> None:
    """As with LinkedIn's addresses: what stands before the @ may be a password, and settings errors go into logs."""
    with pytest.raises(InvalidSettings) as refusal:
        load(**{name: "https://user:canary@portal.example.com"})
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 30, id="one long word"),
        pytest.param("w " * 15, id="many short ones"),
        pytest.param("🚀" * 30, id="each counts for two at LinkedIn"),
        pytest.param("ﷺ" * 30, id="each is eighteen once it is written out"),
    ],
)
def test_whatever_name_is_taken_leaves_room_for_the_customers(load: Load, name: str) -> None:
    """Two customers' applications would otherwise have one name, on the screen that should tell them apart."""
    try:
        taken = load(ATS_NAME=name).ats_name
    except InvalidSettings:
        return
    assert application_name(taken, "Acme") != application_name(taken, "Bolt")


@pytest.mark.parametrize("name", ORIGIN_LISTS)
def test_lists_may_also_be_given_by_code_and_are_checked_all_the_same(load: Load, name: str) -> None:
    load()
    assert getattr(Settings(**{name.lower(): ("https://a.example",)}), name.lower()) == ("https://a.example",)
    with pytest.raises(ValueError, match="ends with a slash"):
        Settings(**{name.lower(): ("https://a.example/",)})
