"""The databases: their tables, connections that read, and the one that writes."""
