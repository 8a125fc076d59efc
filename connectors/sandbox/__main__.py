"""``python -m connectors.sandbox``: run a sandbox until interrupted."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from connectors.sandbox.accounts import DEFAULT_PORT
from connectors.sandbox.faults.reading import FaultRuleError, read_faults
from connectors.sandbox.server import SandboxServer


def main(arguments: list[str] | None = None) -> int:
    """Exit codes: 0 after an interrupt, 2 for a wrong setting or a port in use."""
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(".turnout/sandbox"), help="where its memory is kept"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--faults", type=Path, help="TOML file of fault rules")
    chosen = parser.parse_args(arguments)
    try:
        rules = read_faults(chosen.faults) if chosen.faults else []
        server = SandboxServer(chosen.folder, host=chosen.host, port=chosen.port, faults=rules)
    except (FaultRuleError, ValueError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    print(f"Sandbox on {server.url} (memory in {chosen.folder}); stop with Ctrl-C.")
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
