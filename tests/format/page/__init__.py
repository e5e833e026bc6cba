"""What docs/format.md says, as code: one module for each of its subjects."""
