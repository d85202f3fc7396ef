"""Every screen and dialog is just as `screenshots/` shows it; `make screenshots` draws them anew."""

from pathlib import Path

import pytest

from tests.tui.scenes import SCENES, SIZES, Scene, draw
from tests.tui.screenshots import FOLDER

pytestmark = pytest.mark.sqlite(reason="the pictures are of the demo, which is a file")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_a_scene_looks_as_its_screenshot(
    template: Path, tmp_path: Path, scene: Scene, size: tuple[int, int]
) -> None:
    picture = await draw(template, tmp_path, scene, size)
    kept = FOLDER / f"{scene.name}-{size[0]}x{size[1]}.svg"
    if picture != kept.read_text("utf-8"):
        (tmp_path / kept.name).write_text(picture, "utf-8")
        pytest.fail(f"{kept.name} looks different: compare {tmp_path / kept.name}; 'make screenshots' takes it over")


def test_there_is_no_screenshot_without_a_scene() -> None:
    expected = {f"{scene.name}-{width}x{height}.svg" for scene in SCENES for width, height in SIZES}
    assert {path.name for path in FOLDER.glob("*.svg")} == expected
