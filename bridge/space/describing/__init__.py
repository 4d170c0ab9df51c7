"""Elements that describe others: one data point spread over several topics (inference.md H)."""
