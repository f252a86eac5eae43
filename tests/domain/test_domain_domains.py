"""A list of domains is somebody's working page: ours are brought about, others' stay, loopback replaces nothing."""

import pytest

from greenlight.domain.domains import DomainChange, DomainsWord, digest_of, domain_change

JOBS, EU, OLD, THEIRS = "https://jobs.example.com", "https://eu.example.com", "https://old.example", "https://theirs.ex"
LOCAL, LOCAL_6 = "http://127.0.0.1:8780", "http://[::1]:8780"


@pytest.mark.parametrize(
    ("now", "own", "origins", "after", "foreign"),
    [
        pytest.param((), (), (JOBS,), (JOBS,), (), id="nothing yet"),
        pytest.param((JOBS,), (JOBS,), (JOBS,), (JOBS,), (), id="as it should be"),
        pytest.param((OLD,), (OLD,), (JOBS, EU), (JOBS, EU), (), id="ours that is not wanted any more goes"),
        pytest.param((THEIRS, OLD), (OLD,), (JOBS,), (THEIRS, JOBS), (THEIRS,), id="theirs stays"),
        pytest.param((THEIRS,), (JOBS,), (JOBS,), (THEIRS, JOBS), (THEIRS,), id="ours that was taken out comes back"),
        pytest.param((THEIRS,), (), (THEIRS,), (THEIRS,), (), id="what is wanted is ours from then on"),
        pytest.param((JOBS,), (JOBS,), (LOCAL,), (JOBS,), (), id="no loopback over a real one"),
        pytest.param((JOBS, THEIRS), (JOBS,), (LOCAL_6,), (JOBS, THEIRS), (THEIRS,), id="nor over two"),
        pytest.param((JOBS,), (JOBS,), (LOCAL, EU), (EU,), (), id="nor beside one"),
        pytest.param((LOCAL,), (LOCAL,), (JOBS,), (JOBS,), (), id="a real one in place of loopback"),
        pytest.param((LOCAL,), (LOCAL,), (LOCAL_6,), (LOCAL_6,), (), id="one machine's demo after another"),
    ],
)
def test_what_becomes_of_a_list(
    now: tuple[str, ...],
    own: tuple[str, ...],
    origins: tuple[str, ...],
    after: tuple[str, ...],
    foreign: tuple[str, ...],
) -> None:
    change = domain_change(now, own, origins)
    assert (change.before, change.after, change.foreign) == (now, after, foreign)
    assert change.own == tuple(origin for origin in after if origin not in foreign)
    assert change.changes is (set(now) != set(after))
    assert not domain_change(after, change.own, origins).changes, "and then it is as it should be"


def test_only_what_was_shown_is_done() -> None:
    shown, other = domain_change((OLD,), (OLD,), (JOBS,)), domain_change((OLD, THEIRS), (OLD,), (JOBS,))
    word = DomainsWord(shown={"acme": shown}, most=5)
    assert word.holds("acme", shown) is None
    assert "not as it was shown" in str(word.holds("acme", other))
    assert f"{OLD} -> {JOBS}" in str(word.holds("bolt", shown))
    assert DomainsWord().holds("acme", shown) is not None, "unless somebody says so, no list is changed"


def test_a_cap_counts_customers_and_not_tries() -> None:
    change = domain_change((OLD,), (OLD,), (JOBS,))
    word = DomainsWord(everything=True, most=1)
    assert [word.holds("acme", change), word.holds("acme", change)] == [None, None]
    assert "over the cap of 1" in str(word.holds("bolt", change))


def test_a_digest_is_of_all_that_is_shown() -> None:
    one, other = domain_change((OLD,), (OLD,), (JOBS,)), domain_change((OLD,), (OLD,), (EU,))
    assert digest_of({"a": one, "b": other}) == digest_of({"b": other, "a": one})
    assert len({digest_of({"a": one}), digest_of({"a": other}), digest_of({"b": one}), digest_of({})}) == 4


def test_a_change_in_words() -> None:
    assert str(DomainChange((), (JOBS,), (JOBS,), ())) == f"none -> {JOBS}"
