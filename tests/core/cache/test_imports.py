from __future__ import annotations

import subprocess
import sys


def test_the_driver_is_loaded_only_when_a_cache_opens() -> None:
    code = (
        "import sys, core.cache.redis, core.cache.flight; sys.exit('redis' in sys.modules or 'hiredis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
