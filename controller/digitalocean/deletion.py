"""Deletes an object, and proves that it is gone where the answer does not."""

from controller.cloud import cloud_errors
from controller.digitalocean.api_request import ApiRequest
from controller.digitalocean.http import Http, UnprovenSuccess
from controller.digitalocean.meanings import refusals
from controller.pacing.lanes import Lane


async def delete(http: Http, where: str, share: str) -> None:
    """Delete what is at ``where``. Raises Gone, InUse."""
    with refusals(conflict=cloud_errors.InUse):
        try:
            await http.send(ApiRequest("DELETE", where, Lane.CHANGE, share, success=204))
        except UnprovenSuccess as unproven:
            await _prove_gone(http, where, share, unproven)


async def _prove_gone(http: Http, where: str, share: str, unproven: UnprovenSuccess) -> None:
    """A delete seems to be done: return if the API itself no longer knows the object."""
    try:
        with refusals():
            await http.send(ApiRequest("GET", where, Lane.READ, share))
    except cloud_errors.Gone:
        return
    raise unproven
