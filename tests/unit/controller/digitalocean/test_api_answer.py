"""What counts as the API's own word, and what does not."""

import json

import pytest
from multidict import CIMultiDict

from controller.digitalocean.api_answer import Answer, Meaning
from controller.digitalocean.api_request import ApiRequest
from controller.pacing.lanes import Lane

DELETE = ApiRequest("DELETE", "/v2/volumes/v", Lane.CHANGE, success=204)
GET = ApiRequest("GET", "/v2/volumes/v", Lane.READ)
SNAPSHOT = ApiRequest("POST", "/v2/volumes/v/snapshots", Lane.CHANGE, success=201)
ATTACH = ApiRequest("POST", "/v2/volumes/v/actions", Lane.ATTACH, success=202)
TAG = ApiRequest("POST", "/v2/tags", Lane.CHANGE, success=201)
LIMITS = {"ratelimit-limit": "5000", "ratelimit-remaining": "4999", "ratelimit-reset": "1"}
JSON = "application/json"
PAGE = b"<html><head><title>Sign in</title></head><body>who are you? secret=hush</body></html>"
EARLY = "failed to create snapshot: this operation is rate-limited - one request per 10m0s"
GONE = {"id": "not_found", "message": "The resource you were accessing could not be found."}


def answer(request: ApiRequest, status: int, body: object = b"", kind: str = JSON, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(request, status, raw, CIMultiDict({"Content-Type": kind, **named}))


def limits(**headers: str) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in {**LIMITS, **headers}.items()}


def error(word: str, message: str = "no") -> dict[str, str]:
    return {"id": word, "message": message}


@pytest.mark.parametrize(
    ("found", "meaning"),
    [
        pytest.param(answer(GET, 200, {}), Meaning.SUCCESS, id="the documented status, JSON"),
        pytest.param(answer(GET, 200, {}, "application/json; charset=utf-8"), Meaning.SUCCESS, id="with a charset"),
        pytest.param(answer(GET, 201, {}), Meaning.UNKNOWN, id="another success"),
        pytest.param(answer(GET, 200, PAGE, "text/html"), Meaning.UNKNOWN, id="a page"),
        pytest.param(answer(GET, 200, b"{}", ""), Meaning.UNKNOWN, id="no content type"),
        pytest.param(answer(GET, 206, {}), Meaning.UNKNOWN, id="a part"),
        pytest.param(answer(DELETE, 204, b"", "", **limits()), Meaning.SUCCESS, id="a deletion"),
        pytest.param(answer(DELETE, 204, b"", ""), Meaning.UNPROVEN_SUCCESS, id="an empty answer of anybody"),
        pytest.param(answer(DELETE, 200, {}), Meaning.UNKNOWN, id="a deletion with another success"),
        pytest.param(answer(DELETE, 202, {}), Meaning.UNKNOWN, id="a deletion that was accepted"),
        pytest.param(answer(DELETE, 303, b"", ""), Meaning.UNKNOWN, id="a redirect"),
        pytest.param(answer(DELETE, 404, GONE), Meaning.REFUSED, id="gone"),
        pytest.param(answer(DELETE, 404, PAGE, "text/html"), Meaning.UNKNOWN, id="a page that is missing"),
        pytest.param(answer(DELETE, 404, GONE, "text/plain"), Meaning.UNKNOWN, id="gone, but no JSON"),
        pytest.param(answer(DELETE, 404, error("no_route")), Meaning.UNKNOWN, id="a route that is missing"),
        pytest.param(answer(DELETE, 404, {"message": "no Route matched"}), Meaning.UNKNOWN, id="a gateway's 404"),
        pytest.param(answer(DELETE, 404, [GONE]), Meaning.UNKNOWN, id="a list"),
        pytest.param(answer(DELETE, 404, error("not_found", " ")), Meaning.UNKNOWN, id="without words"),
        pytest.param(answer(DELETE, 404, {"id": 4, "message": "x"}), Meaning.UNKNOWN, id="an id that is no text"),
        pytest.param(answer(DELETE, 404), Meaning.UNKNOWN, id="nothing"),
        pytest.param(answer(DELETE, 410, error("not_found")), Meaning.UNKNOWN, id="an id that does not fit its status"),
        pytest.param(answer(DELETE, 409, error("not_found")), Meaning.UNKNOWN, id="a conflict with another id"),
        pytest.param(answer(DELETE, 409, error("conflict")), Meaning.REFUSED, id="a conflict"),
        pytest.param(answer(DELETE, 409, PAGE, "text/html"), Meaning.UNKNOWN, id="a proxy's conflict"),
        pytest.param(answer(DELETE, 403, error("Forbidden")), Meaning.REFUSED, id="forbidden"),
        pytest.param(answer(DELETE, 403, b"limit exceeded", "text/html"), Meaning.UNKNOWN, id="a firewall's 403"),
        pytest.param(answer(DELETE, 401, error("Unauthorized")), Meaning.TOKEN_REFUSED, id="the token is refused"),
        pytest.param(answer(DELETE, 401, PAGE, "text/html"), Meaning.UNKNOWN, id="a proxy's 401"),
        pytest.param(answer(DELETE, 407, error("proxy")), Meaning.UNKNOWN, id="a proxy's 407"),
        pytest.param(answer(DELETE, 408, error("timeout")), Meaning.UNKNOWN, id="a status that does not say: not done"),
        pytest.param(answer(ATTACH, 422, error("unprocessable_entity")), Meaning.REFUSED, id="refused"),
        pytest.param(answer(DELETE, 500, error("server_error")), Meaning.UNKNOWN, id="the API's own failure"),
        pytest.param(answer(TAG, 400, {"error": "bad", "root_causes": []}), Meaning.REFUSED, id="an odd tag"),
        pytest.param(answer(GET, 400, {"error": "bad", "root_causes": []}), Meaning.UNKNOWN, id="that shape elsewhere"),
    ],
)
def test_an_answer_means_something_if_it_is_the_apis_own_word(found: Answer, meaning: Meaning) -> None:
    assert found.meaning is meaning


@pytest.mark.parametrize(
    ("found", "meaning"),
    [
        pytest.param(answer(SNAPSHOT, 429, error("too_many_requests", EARLY)), Meaning.REFUSED, id="an interval"),
        pytest.param(
            answer(ATTACH, 429, error("too_many_requests", "too many events on this Droplet"), **limits()),
            Meaning.REFUSED,
            id="a droplet",
        ),
        pytest.param(
            answer(SNAPSHOT, 429, error("too_many_requests", "slow down"), **limits()), Meaning.REFUSED, id="room left"
        ),
        pytest.param(
            answer(SNAPSHOT, 429, error("too_many_requests", "API Rate limit exceeded."), **limits()),
            Meaning.ACCOUNT_LIMIT,
            id="the minute",
        ),
        pytest.param(
            answer(SNAPSHOT, 429, error("too_many_requests", "slow down"), **limits(**{"ratelimit-remaining": "0"})),
            Meaning.ACCOUNT_LIMIT,
            id="the hour",
        ),
        pytest.param(
            answer(GET, 429, error("too_many_requests", "slow down"), **limits()), Meaning.ACCOUNT_LIMIT, id="a read"
        ),
        pytest.param(answer(SNAPSHOT, 429, PAGE, "text/html"), Meaning.UNKNOWN, id="a gateway's"),
    ],
)
def test_a_429_refuses_one_operation_or_tells_of_the_accounts_limit(found: Answer, meaning: Meaning) -> None:
    assert found.meaning is meaning


def test_a_body_that_cannot_be_used_is_nobodys_word() -> None:
    body = json.dumps(GONE).encode()
    assert Answer(DELETE, 404, body, {"Content-Type": JSON}, "it is compressed (gzip)").meaning is Meaning.UNKNOWN


@pytest.mark.parametrize(
    ("found", "words"),
    [
        pytest.param(answer(DELETE, 302, PAGE, "text/html"), "the answer was 302 (text/html): 'Sign in'", id="a page"),
        pytest.param(answer(DELETE, 404, b"no\x1b[31m such\r\nhost", "text/plain"), "'no?[31m such host'", id="a text"),
        pytest.param(
            answer(DELETE, 422, error("x", "a\x00b\n" * 500)), "the cloud answered 422: a?b a?b", id="an error"
        ),
        pytest.param(answer(GET, 200, b'{"token": "hush"}', "text/json"), "(text/json), which is not", id="JSON"),
    ],
)
def test_what_was_seen_is_told_in_a_few_printable_words(found: Answer, words: str) -> None:
    told = found.seen()
    assert words in told
    assert "hush" not in told
    assert "<" not in told
    assert told.isprintable()
    assert len(told) < 400
