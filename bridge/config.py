"""TOML → frozen, validated settings."""
