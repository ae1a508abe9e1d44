"""What is recognized as a secret, wherever it stands."""

import base64

import pytest

from kubectl_aiocsi.rules.sensitive import TOKENS, blanked, forms


@pytest.mark.parametrize("kind", "opr")
@pytest.mark.parametrize("before", range(3))
def test_a_token_is_recognized_in_base64_wherever_it_begins(kind: str, before: int) -> None:
    token = f"do{kind}_v1_{'0123456789abcdef' * 4}"
    encoded = base64.b64encode(b"x" * before + token.encode()).decode()
    assert TOKENS.search(encoded)


def test_a_secret_is_looked_for_by_all_that_is_its_own_in_base64() -> None:
    assert forms("correct horse") == {"correct horse", "Y29ycmVjdCBob3JzZ", "NvcnJlY3QgaG9yc2", "jb3JyZWN0IGhvcnN"}


@pytest.mark.parametrize("url", ["https://h/a@b", "docker-pullable://aiocsi@sha256:12", 'see "http://h", "me@h"'])
def test_what_is_before_an_at_elsewhere_is_no_secret(url: str) -> None:
    assert blanked(url) == url
