"""What makes a repository a project that others can take, install and change: licence, metadata, changes, templates."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
PACKAGES: list[str] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.fixture(scope="module")
def changelog() -> Any:
    spec = importlib.util.spec_from_file_location("changelog", ROOT / "docs" / "changelog.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_licence_is_the_one_that_the_metadata_names() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert PROJECT["license-files"] == ["LICENSE"]
    licence = text_of("LICENSE")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence, "the whole text"


def test_the_metadata_is_complete_and_nothing_in_it_is_invented() -> None:
    assert {"name", "version", "description", "readme", "authors", "keywords", "classifiers"} <= set(PROJECT)
    assert PROJECT["authors"] == [{"name": "Greenlight contributors"}]
    assert "urls" not in PROJECT, "there is no address that is known to be good"


def test_every_package_tells_type_checkers_that_it_is_typed() -> None:
    assert [package for package in PACKAGES if not (ROOT / package / "py.typed").is_file()] == []


def test_the_image_is_built_from_everything_that_is_installed() -> None:
    """What is not let through here is not there when the package is made."""
    let_through = re.findall(r"^!(\S+)$", text_of("deployments/Dockerfile.dockerignore"), re.MULTILINE)
    needed = {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], *PACKAGES}
    assert needed - set(let_through) == set()


def test_whoever_names_the_distribution_names_the_one_of_today() -> None:
    name = PROJECT["name"]
    assert f'version("{name}")' in text_of("cli/config.py")
    for file in ("docs/using.md", "greenlight/intake/workbook.py"):
        assert set(re.findall(r"pip install '([\w-]+)", text_of(file))) == {name}, file


def test_the_hook_before_a_commit_is_the_check_and_nothing_else() -> None:
    hooks = [hook for repo in yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]]
    assert [(hook["entry"], hook["pass_filenames"]) for hook in hooks] == [("python3 dev.py check", False)]


def test_templates_can_be_read() -> None:
    for template in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"):
        head = yaml.safe_load(template.read_text(encoding="utf-8").split("---")[1])
        assert set(head) == {"name", "about"}, template.name


def test_every_fragment_says_its_kind_and_something(changelog: Any) -> None:
    for file in changelog.fragments(ROOT):
        assert len(file.read_text(encoding="utf-8").split()) > 3, file.name
    listed = re.findall(r"^\| `(\w+)` \|", text_of("changes/README.md"), re.MULTILINE)
    assert tuple(listed) == changelog.KINDS


def test_a_release_gathers_its_fragments(changelog: Any, tmp_path: Path) -> None:
    changes = tmp_path / "changes"
    changes.mkdir()
    (tmp_path / "CHANGELOG.md").write_text(text_of("CHANGELOG.md"))
    (changes / "README.md").write_text("stays")
    (changes / "one.fixed.md").write_text("A fault\nis gone.\n")
    (changes / "two.added.md").write_text("Something is new.\n")
    changelog.gather(tmp_path, "1.0.0", "2027-01-31")
    (changes / "three.added.md").write_text("More is new.\n")
    changelog.gather(tmp_path, "1.1.0", "2027-02-28")
    assert [file.name for file in changes.iterdir()] == ["README.md"]
    assert (tmp_path / "CHANGELOG.md").read_text().split(changelog.MARK)[1] == (
        "\n## 1.1.0 (2027-02-28)\n\n### Added\n\n- More is new.\n"
        "\n## 1.0.0 (2027-01-31)\n\n### Added\n\n- Something is new.\n\n### Fixed\n\n- A fault\n  is gone.\n"
    )


@pytest.mark.parametrize("name", ["fixed.md", "a.fixes.md", "A.fixed.md", "a.fixed.txt", "a b.fixed.md"])
def test_a_fragment_that_is_misnamed_stops_the_release(changelog: Any, tmp_path: Path, name: str) -> None:
    """It would be left out, and lost from the list of what is new."""
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / name).write_text("Something is new.")
    with pytest.raises(ValueError, match="is not called"):
        changelog.fragments(tmp_path)
