"""`python -m pan_catalogue` is `pan-catalogue`."""

import sys

from .cli import main

sys.exit(main())
