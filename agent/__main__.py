# SPDX-License-Identifier: Apache-2.0
"""`python -m agent` is `pgood`."""

import sys

from agent.cli.main import main

sys.exit(main())
