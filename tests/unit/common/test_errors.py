"""The error tree says what the sidecars must do."""

import pytest
from grpclib.const import Status

from common import errors
from common.codes import Code

NOT_FINAL = {Status.UNAVAILABLE, Status.ABORTED, Status.DEADLINE_EXCEEDED}
FINAL = {
    Status.INVALID_ARGUMENT,
    Status.NOT_FOUND,
    Status.ALREADY_EXISTS,
    Status.FAILED_PRECONDITION,
    Status.OUT_OF_RANGE,
    Status.RESOURCE_EXHAUSTED,
    Status.UNIMPLEMENTED,
}


@pytest.mark.parametrize("kind", list(errors.tree()), ids=lambda kind: kind.__name__)
def test_a_code_that_sidecars_retry_means_not_final(kind: type[errors.DriverError]) -> None:
    assert kind.status in (NOT_FINAL if issubclass(kind, errors.NotFinal) else FINAL)


@pytest.mark.parametrize("kind", list(errors.tree()), ids=lambda kind: kind.__name__)
def test_every_error_has_one_root_and_says_what_it_means(kind: type[errors.DriverError]) -> None:
    assert issubclass(kind, errors.Refused) != issubclass(kind, errors.NotFinal)
    assert kind.__doc__


def test_the_remedy_is_told_with_the_message() -> None:
    assert str(errors.NotFound("volume v is gone", remedy="restore it")) == "volume v is gone (remedy: restore it)"
    assert str(errors.Busy("v is taken")) == f"v is taken (remedy: {Code.BUSY.remedy})"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(
            errors.Busy("v is taken", remedy="wait"),
            {"error_class": "Busy", "error_code": "AIOCSI-G020", "message": "v is taken", "remedy": "wait"},
            id="ours",
        ),
        pytest.param(
            errors.Busy("v is taken"),
            {"error_class": "Busy", "error_code": "AIOCSI-G020", "message": "v is taken", "remedy": Code.BUSY.remedy},
            id="with the remedy of its code",
        ),
        pytest.param(
            OSError(2, "No such file", "/x"),
            {"error_class": "FileNotFoundError", "message": "[Errno 2] No such file: '/x'"},
            id="the host's",
        ),
        pytest.param(TimeoutError(), {"error_class": "TimeoutError"}, id="without a text"),
    ],
)
def test_the_log_tells_class_code_message_and_remedy_of_an_error(error: BaseException, told: dict[str, str]) -> None:
    assert errors.fields(error) == told


@pytest.mark.parametrize(("given", "message"), [("", "v is gone"), ("v is read", "v is read")])
def test_an_error_that_is_not_final_after_all_keeps_its_code_and_remedy(given: str, message: str) -> None:
    error = errors.unavailable(errors.NotFound("v is gone", remedy="look", error_code=Code.BUSY), given)
    assert (error.status, error.message) == (Status.UNAVAILABLE, message)
    assert (error.remedy, error.error_code) == ("look", Code.BUSY)
