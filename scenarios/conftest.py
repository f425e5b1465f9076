"""Makes `pytest scenarios/ --c2w-target HOST:PORT` work as it stands, in the tree and where the suite is installed."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "harness/python"), str(HERE.parent / "python")]

pytest_plugins = ["pytest_c2w"]
