"""What a class or a page does not ask for or tell is not assumed."""

from common import capability, drift_records, format_parameters
from common.clouds import facts
from tests.harness import defaults


def test_what_a_record_is_not_told_it_does_not_claim() -> None:
    assert defaults.not_empty(capability, drift_records, format_parameters, facts) == {
        "ClusterSide.young_seconds": 600,
        "ClusterSide.unused_days": 30,
        "Difference.about": drift_records.KubernetesName(),
    }
