"""The learner: which elements are parts and which are things, and which type each one is of (inference.md F and G)."""
