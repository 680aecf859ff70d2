"""The control-node side of the PaN Facility Kit."""
