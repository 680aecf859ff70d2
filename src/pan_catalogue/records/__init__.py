"""Records as they come in: DataCite JSON with the PaN extension, and NeXus files."""
