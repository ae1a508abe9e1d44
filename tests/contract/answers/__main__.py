"""Run the matrix and print it: ``python -m tests.contract.answers``."""

import logging
import sys

import structlog

from tests.contract.answers.matrix import main

if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    sys.exit(main())
