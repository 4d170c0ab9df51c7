"""The facade of the core: messages in, changes out; every question about the present that the API asks."""
