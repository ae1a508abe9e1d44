"""What csi-sanity found: ginkgo's JSON report as counts, failures, and skipped specs with their reason."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_pascal

_STATES = {"passed": "passed", "skipped": "skipped", "pending": "skipped"}  # any other one is a failure


class _Json(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_pascal)


class Failure(_Json):
    """Why a spec failed, or was skipped."""

    message: str = ""


class Spec(_Json):
    """One spec of ginkgo's report (types.SpecReport), or something that ran around the specs."""

    container_hierarchy_texts: tuple[str, ...] | None
    leaf_node_type: str
    leaf_node_text: str
    state: str
    failure: Failure = Failure()

    @property
    def name(self) -> str:
        """The spec's name as csi-sanity shows it."""
        return " ".join((*(self.container_hierarchy_texts or ()), self.leaf_node_text))

    @property
    def reason(self) -> str:
        """The first line of the message that came with its state."""
        if self.state == "pending":
            return "switched off in csi-sanity itself"
        return self.failure.message.strip().partition("\n")[0] or "no reason given"


class Suite(_Json):
    """One run of a suite (types.Report)."""

    suite_succeeded: bool
    spec_reports: tuple[Spec, ...] = ()


class Outcome(BaseModel, frozen=True):
    """All specs of a run, by what became of them."""

    passed: tuple[Spec, ...]
    skipped: tuple[Spec, ...]
    failed: tuple[Spec, ...]
    suite_succeeded: bool

    @property
    def good(self) -> bool:
        """Whether specs ran, and none failed, and nothing around them."""
        return self.suite_succeeded and bool(self.passed) and not self.failed

    def lines(self) -> list[str]:
        """Return what to print: each failure, each skipped spec with its reason, and the counts at last."""
        failures = [f"FAILED {spec.name}\n  {spec.failure.message.strip()}" for spec in self.failed]
        skips = [f"skipped {spec.name}: {spec.reason}" for spec in self.skipped]
        counts = f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped"
        return [*failures, *skips, counts]


def read(file: Path) -> Outcome:
    """Read a report. Raises OSError when there is none, pydantic's ValidationError when it is none of ginkgo's."""
    suites = TypeAdapter(tuple[Suite, ...]).validate_json(file.read_bytes())
    specs = [spec for suite in suites for spec in suite.spec_reports]
    return Outcome(
        passed=tuple(spec for spec in specs if _became(spec) == "passed"),
        skipped=tuple(spec for spec in specs if _became(spec) == "skipped"),
        failed=tuple(spec for spec in specs if _became(spec) == "failed"),
        suite_succeeded=bool(suites) and all(suite.suite_succeeded for suite in suites),
    )


def _became(spec: Spec) -> str:
    """Tell what became of a spec. What runs around the specs counts only when it failed."""
    if spec.leaf_node_type == "It":
        return _STATES.get(spec.state, "failed")
    return "around" if spec.state in _STATES else "failed"
