"""Draw `screenshots/` from the demo desk: `python -m tests.tui.screenshots`."""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from tests.tui.scenes import SCENES, SIZES, bare, build, draw

FOLDER = Path(__file__).parents[2] / "screenshots"


def main() -> None:
    """Draw every scene in every size."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    bare(os.environ)
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "template.db")
        build(template)
        for scene in SCENES:
            for size in SIZES:
                picture = asyncio.run(draw(template, Path(folder), scene, size))
                (FOLDER / f"{scene.name}-{size[0]}x{size[1]}.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    main()
