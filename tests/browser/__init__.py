"""Pages of a real bridge in a real browser. A package: its fixtures last as long as it is busy."""
