"""In the containers of the demo and the tests: compile what Ansible sends only once.

A module comes as a zip of sources, and Python compiles all of them again each time one is run: more than a third of what a task costs on a host, thousands of times in one
run of the tests. A .pth file of the image imports this; the code objects are kept by a hash of their source. The folder is root's alone, so only what root compiled is run.
"""

import marshal
import os
import zipimport

try:
    from _sha2 import sha256  # Python 3.12 and later; hashlib would take longer to import than is gained
except ImportError:
    from _sha256 import sha256

FOLDER = "/var/cache/zipimport"
compiled = zipimport._compile_source


def kept(path, source):
    """Return the code of a source, from the folder if it is there."""
    file = f"{FOLDER}/{sha256(source).hexdigest()}"
    try:
        with open(file, "rb") as f:
            return marshal.load(f)  # noqa: S302  only root writes there
    except (OSError, EOFError, ValueError):
        pass
    code = compiled(path, source)
    try:
        with open(f"{file}.{os.getpid()}", "xb") as f:
            marshal.dump(code, f)
        os.replace(f.name, file)
    except OSError:
        pass  # not root, or the disk is full: it is compiled again next time
    return code


zipimport._compile_source = kept
