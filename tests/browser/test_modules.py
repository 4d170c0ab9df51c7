"""The pure modules of the page, tested in JavaScript by the Node that playwright carries."""

import os
import subprocess
from pathlib import Path

import playwright
import pytest

MODULES = Path(__file__).parent / "modules"
NODE = os.environ.get("PLAYWRIGHT_NODEJS_PATH") or Path(playwright.__file__).parent / "driver" / "node"
PATIENCE_S = 60.0

pytestmark = pytest.mark.browser


def test_modules() -> None:
    """Every test in `modules/*.test.js` holds, and there are some."""
    files = sorted(MODULES.rglob("*.test.js"))
    assert files, f"no *.test.js in {MODULES}"
    command = [NODE, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--test", "--test-reporter=spec", *files]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=MODULES)
    assert ran.returncode == 0, ran.stdout + ran.stderr
