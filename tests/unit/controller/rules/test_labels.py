import pytest

from common import errors
from controller.digitalocean.limits import TRAITS
from controller.rules import labels

RULE = TRAITS.labels
CLAIM_NAME, CLAIM_NAMESPACE = "csi.storage.k8s.io/pvc/name", "csi.storage.k8s.io/pvc/namespace"
CLAIM = {CLAIM_NAME: "data.0", CLAIM_NAMESPACE: "shop"}


def test_templates_are_filled_from_the_claim() -> None:
    assert labels.parse("team:a, ns:${pvc.namespace}, ${pvc.name}", RULE, CLAIM) == ("team:a", "ns:shop", "data-0")
    assert labels.parse("${pv.name}", RULE, {"csi.storage.k8s.io/pv/name": "pvc-1"}) == ("pvc-1",)


@pytest.mark.parametrize("text", ["a b", "é", "x" * 256, "${pvc.uid}", "${pv.name}"])
def test_what_is_no_tag_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        labels.parse(text, RULE, CLAIM)


def test_a_tag_named_twice_is_one() -> None:
    assert labels.parse("a,b,a,,", RULE) == ("a", "b")


def test_a_tag_named_in_two_spellings_is_one() -> None:
    assert labels.parse("Prod,prod,PROD,b", RULE) == ("Prod", "b")


def test_a_filled_tag_that_is_too_long_is_cut_and_stays_one_of_its_own() -> None:
    made = set()
    for last in "ab":
        claim = {CLAIM_NAMESPACE: "n" * 63, CLAIM_NAME: "c" * 252 + last}
        (label,) = labels.parse("pvc:${pvc.namespace}:${pvc.name}", RULE, claim)
        assert labels.problem(label, RULE) == ""
        assert (len(label), label[-11]) == (RULE.longest, "-")
        made.add(label)
    assert len(made) == 2


def test_what_is_held_in_another_case_is_not_missing() -> None:
    assert labels.missing(("prod", "new"), ("Prod",)) == ["new"]


@pytest.mark.parametrize("length", [RULE.longest - 1, RULE.longest])
def test_a_filled_tag_that_just_fits_is_not_cut(length: int) -> None:
    assert labels.parse("${pvc.name}", RULE, {CLAIM_NAME: "x" * length}) == ("x" * length,)


def test_a_placeholder_that_cannot_be_filled_is_named() -> None:
    known = r"known are \$\{pvc.name\}, \$\{pvc.namespace\}, \$\{pv.name\}"
    with pytest.raises(errors.InvalidArgument, match=f"unknown placeholder.*{known}"):
        labels.parse("${pvc.uid}", RULE, CLAIM)
    with pytest.raises(errors.InvalidArgument, match="the provisioner did not pass"):
        labels.parse("${pv.name}", RULE, CLAIM)
