"""What is shipped: a wheel and an sdist that install and run anywhere, with every style sheet."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

import botdesk
from tests.terminal import Terminal

CHECKOUT = Path(__file__).parents[1]
STYLES = sorted(path.name for path in (CHECKOUT / "styles").glob("*.tcss"))
WHERE = "from botdesk.tui import styles; import botdesk; print(botdesk.__file__, styles.folder(), sep='\\n')"


def run(*words: str | Path, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> str:
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=300, cwd=folder, env=environ, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources as they lie in the checkout, to be built without touching that."""
    copy = tmp_path_factory.mktemp("source") / "botdesk"
    left = shutil.ignore_patterns(".venv", ".git", "__pycache__", "dist", "screenshots", ".*_cache", ".hypothesis")
    shutil.copytree(CHECKOUT, copy, ignore=left)
    return copy


@pytest.fixture(scope="module")
def built(source: Path) -> Path:
    """The folder with an sdist, and the wheel that was built from that sdist alone."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", source.parent / "dist", source)
    return source.parent / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def environment(folder: Path) -> Path:
    """A virtual environment that borrows what botdesk depends on, but not botdesk; gives its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (packages / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python


def install(python: Path, *what: str | Path) -> None:
    offline = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, *what)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment into which the wheel was installed."""
    python = environment(tmp_path_factory.mktemp("wheel") / "venv")
    install(python, wheel)
    return python


def at_home(folder: Path) -> dict[str, str]:
    """The environment of somebody who starts botdesk for the first time."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BOTDESK_", "XDG_", "PYTHON"))}
    return {**kept, "HOME": str(folder), "TERM": "xterm-256color"}


def test_the_wheel_has_all_code_every_style_sheet_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    code = {str(path.relative_to(CHECKOUT / "src")) for path in (CHECKOUT / "src").rglob("*.py")}
    assert code <= set(names)
    assert sorted(name.rpartition("/")[2] for name in names if name.startswith("botdesk/styles/")) == STYLES
    assert "botdesk/py.typed" in names
    assert {name.partition("/")[0] for name in names} == {"botdesk", f"botdesk-{botdesk.__version__}.dist-info"}


def test_the_sdist_has_what_it_takes_to_build_and_to_test(built: Path) -> None:
    (found,) = built.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "src/botdesk/__init__.py", "tests/conftest.py"} <= names
    assert {f"styles/{name}" for name in STYLES} <= names


def test_the_version_is_one_everywhere(wheel: Path) -> None:
    told = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert told == botdesk.__version__ == wheel.name.split("-")[1]
    assert f"## {told}" in (CHECKOUT / "CHANGELOG.md").read_text("utf-8")


def test_a_wheel_runs_finds_its_styles_and_opens_a_desk(installed: Path, tmp_path: Path) -> None:
    environ, script = at_home(tmp_path), installed.with_name("botdesk")
    assert run(script, "--version", environ=environ, folder=tmp_path) == f"botdesk {botdesk.__version__}\n"
    code, styles = run(installed, "-c", WHERE, environ=environ, folder=tmp_path).split()
    assert Path(code).is_relative_to(installed.parents[1])
    assert Path(styles) == Path(code).parent / "styles"
    assert run(script, "account", "create", "ci-bot", environ=environ, folder=tmp_path) == ""
    assert "ci-bot" in run(script, "account", "list", environ=environ, folder=tmp_path)
    with Terminal([str(script)], environ) as screen:
        screen.wait_for("ci-bot", seconds=60)
        screen.send("q")
        assert screen.wait_exit(seconds=60) == 0


def test_an_editable_install_finds_the_styles_of_its_checkout(source: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    install(python, "--editable", source)
    code, styles = run(python, "-c", WHERE, environ=at_home(tmp_path), folder=tmp_path).split()
    assert Path(code) == source / "src" / "botdesk" / "__init__.py"
    assert Path(styles) == source / "styles"
    assert run(python.with_name("botdesk"), "--version", folder=tmp_path) == f"botdesk {botdesk.__version__}\n"


def test_a_checkout_runs_without_being_installed(source: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv")
    environ = at_home(tmp_path) | {"PYTHONPATH": str(source / "src")}
    assert run(python, "-c", WHERE, environ=environ, folder=tmp_path).split()[1] == str(source / "styles")
    assert run(python, "-m", "botdesk", "--version", environ=environ) == f"botdesk {botdesk.__version__}\n"


def test_there_is_no_style_in_the_code_and_each_sheet_is_used() -> None:
    code = {path: path.read_text("utf-8") for path in (CHECKOUT / "src" / "botdesk" / "tui").rglob("*.py")}
    assert not [path for path, text in code.items() if "DEFAULT_CSS =" in text or "    CSS =" in text]
    for name in STYLES:
        assert any(f'"{Path(name).stem}"' in text for text in code.values()), name
