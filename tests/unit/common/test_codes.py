"""A code is never given a second meaning, nor a new number: runbooks and alerts name it."""

from common.codes import GENERIC, Code

NUMBERS = {
    "REFUSED": "AIOCSI-G001",
    "NOT_FINAL": "AIOCSI-G002",
    "INTERNAL": "AIOCSI-G003",
    "MALFORMED_REQUEST": "AIOCSI-G010",
    "ACCESS_MODE": "AIOCSI-G011",
    "FILE_SYSTEM_TYPE": "AIOCSI-G012",
    "MOUNT_OPTIONS": "AIOCSI-G013",
    "FORMAT_PARAMETERS": "AIOCSI-G014",
    "ENCRYPTION_PARAMETERS": "AIOCSI-G015",
    "NOT_OFFERED": "AIOCSI-G016",
    "BUSY": "AIOCSI-G020",
    "OUT_OF_TIME": "AIOCSI-G021",
    "OVERLOADED": "AIOCSI-G022",
    "SHUTTING_DOWN": "AIOCSI-G023",
    "STALE_LIST": "AIOCSI-G024",
    "TRANSPORT": "AIOCSI-G025",
    "METADATA": "AIOCSI-G030",
    "ENDPOINT": "AIOCSI-G031",
    "DIRECTORY": "AIOCSI-G032",
}


def test_each_code_has_the_number_that_it_has_always_had() -> None:
    numbers = {code.name: code.value for code in Code}
    assert numbers == NUMBERS
    assert all(code.remedy for code in Code)
    assert {Code.REFUSED, Code.NOT_FINAL} == set(GENERIC)
