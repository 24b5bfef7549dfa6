# SPDX-License-Identifier: ISC
"""Prints what pytest finds as TAP, on the file descriptor that TEST_TAP_FD names, so that automake's
driver counts each case. A case that fails while it is set up or taken down counts as failed."""

import os


class Tap:
    def __init__(self, descriptor):
        self.out = os.fdopen(descriptor, "w", buffering=1)
        self.number = 0

    def line(self, ok, name, comment=""):
        self.number += 1
        print(f"{'ok' if ok else 'not ok'} {self.number} - {name}{comment}", file=self.out)

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.replace("#", "_").replace("\\", "_")
        if report.skipped:
            self.line(True, name, " # SKIP")
        elif report.failed:
            self.line(False, f"{name} ({report.when})")
            for line in report.longreprtext.splitlines():
                print(f"# {line}", file=self.out)
        elif report.when == "call":
            self.line(True, name)

    def pytest_collectreport(self, report):
        if report.failed:
            self.line(False, f"collecting {report.nodeid}")

    def pytest_sessionfinish(self):
        print(f"1..{self.number}", file=self.out)


def pytest_configure(config):
    if "TEST_TAP_FD" in os.environ and not hasattr(config, "workerinput"):  # one of xdist's has no say
        config.pluginmanager.register(Tap(int(os.environ["TEST_TAP_FD"])))
