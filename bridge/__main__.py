"""`python -m bridge` is the command `bridge`."""

from bridge.cli import main

raise SystemExit(main())
