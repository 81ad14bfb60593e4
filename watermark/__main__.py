"""`python -m watermark`."""

import sys

from watermark.cli import main

sys.exit(main())
