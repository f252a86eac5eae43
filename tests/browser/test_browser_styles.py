"""A plugin that brings styles of its own, as LinkedIn's may: a stylesheet, a style element, a style attribute."""

from typing import Any

import pytest

from tests.browser.visitor import expect

_BROUGHT = """() => {
  const shown = getComputedStyle(document.querySelector('[data-in-widget]'));
  return ['stylesheet', 'element', 'attribute'].filter((by) => shown.getPropertyValue(`--by-${by}`).trim() !== '');
}"""

_INJECT = """() => {
  const script = document.createElement('script');
  script.textContent = 'window.injected = 1';
  document.body.append(script);
}"""


@pytest.mark.parametrize("inline", [False, True])
async def test_its_stylesheet_is_let_through_and_the_rest_by_a_setting(stage: Any, inline: bool) -> None:
    """Who runs its script may bring its stylesheet; nothing but styles is let through by the setting."""
    async with stage(GREENLIGHT_PORTAL_INLINE_STYLES=str(inline).lower()) as there:
        there.linkedin.world.plugin_brings_styles = True
        async with there.visit(await there.add()) as visitor:
            await expect(visitor.plugin).to_be_visible()
            brought = ["stylesheet", "element", "attribute"] if inline else ["stylesheet"]
            if not inline:
                visitor.provokes("style-src")
            await visitor.page.wait_for_function(f"() => ({_BROUGHT})().join() === '{','.join(brought)}'")
            visitor.provokes("script-src")
            await visitor.page.evaluate(_INJECT)
            assert await visitor.page.evaluate("window.injected") is None
