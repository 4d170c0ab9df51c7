"""Elements that go: deleted, expired, or crowded out of a collection."""
