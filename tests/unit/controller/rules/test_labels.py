import pytest

from common import errors
from controller.digitalocean.limits import TRAITS
from controller.rules import labels

RULE = TRAITS.labels
CLAIM = {labels.CLAIM_NAME: "data.0", labels.CLAIM_NAMESPACE: "shop"}


def test_templates_are_filled_from_the_claim() -> None:
    assert labels.parse("team:a, ns:${pvc.namespace}, ${pvc.name}", RULE, CLAIM) == ("team:a", "ns:shop", "data-0")


@pytest.mark.parametrize("text", ["a b", "é", "x" * 256, "${pvc.uid}", "${pv.name}"])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        labels.parse(text, RULE, CLAIM)


def test_a_tag_named_twice_is_one() -> None:
    assert labels.parse("a,b,a,,", RULE) == ("a", "b")
