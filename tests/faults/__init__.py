"""Crash and chaos: the real controller and node on a virtual clock, among models of what surrounds them, with faults.

``python -m tests.faults --help`` lists what can be run. Why it looks as it does: docs/explanation/what-we-promise.md.
"""
