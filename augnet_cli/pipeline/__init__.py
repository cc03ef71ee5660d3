"""The verbs as plain functions: each wires stages together and returns a record."""
