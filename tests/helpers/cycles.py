"""Starts and stops the daemon many times in one process, and prints what each cycle leaves open, as JSON.

`cycles.py CONFIG PORT COUNT`: descriptors and threads of the process after each stop, and the exit codes.
"""

import gc
import http.client
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from bridge.config import load
from bridge.daemon import serve

READY_S = 30.0


def stop_when_ready(port: int) -> None:
    """As an operator would: look at /readyz, then SIGTERM."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5.0)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                break
        except OSError:
            time.sleep(0.02)
        finally:
            connection.close()
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGTERM)


def cycle(config: Path, port: int) -> tuple[int, int, int]:
    """Exit code, descriptors and threads."""
    stopper = threading.Thread(target=stop_when_ready, args=(port,))
    stopper.start()
    code = serve(load(config, os.environ))
    stopper.join()
    gc.collect()
    open_now = (sum(1 for _ in Path(f"/proc/self/{kind}").iterdir()) for kind in ("fd", "task"))
    return (code, *open_now)  # type: ignore[return-value]


if __name__ == "__main__":
    print(json.dumps([cycle(Path(sys.argv[1]), int(sys.argv[2])) for _ in range(int(sys.argv[3]))]))  # noqa: T201
