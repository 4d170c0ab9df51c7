"""What the owner of a model has written down: places, names, pinned types, relationships and virtual trees."""
