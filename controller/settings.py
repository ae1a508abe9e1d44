"""The controller's settings: read once from the environment, listed by --help with unit and default."""

from pathlib import Path

import environ

from common import converters
from common.settings import PREFIX, Shared


@environ.config(prefix=PREFIX, frozen=True)
class ControllerSettings(Shared):
    """What the controller reads from its environment."""

    api_url: str = environ.var(
        "",
        converter=converters.optional(converters.api_root),
        help="root of the cloud's API, without /v2; https, but for addresses that are not routed on the internet;"
        " unset: the cloud's own",
    )
    token: converters.Secret | None = environ.var(
        None, converter=converters.secret, help="API token; AIOCSI_TOKEN_FILE is better, it can be replaced at run time"
    )
    token_file: Path | None = environ.var(
        None, converter=converters.absolute_path, help="file with the API token; read again when it changes"
    )
    ca_file: Path | None = environ.var(
        None, converter=converters.absolute_path, help="PEM file of further certificate authorities for the API"
    )
    region: str = environ.var(
        "",
        converter=converters.zone,
        help="region of the cluster, as in nyc1; if unset, read from the metadata service",
    )
    metadata_url: str = environ.var(
        "",
        converter=converters.optional(converters.metadata_root),
        help="root of the host's metadata service; unset: the cloud's own",
    )
    tag: tuple[str, ...] = environ.var(
        (), converter=converters.tag_list, help="tags of all volumes of this cluster, comma-separated"
    )
    pod_uid: str = environ.var(
        "",
        converter=converters.optional(converters.uid),
        help="UID of the pod: who knows it may read the known volumes at /volumes/UID; unset: the page is not served",
    )
    requests_per_minute: int = environ.var(
        250, converter=converters.integer(30, 100_000), help="what the API allows one token in a minute, requests"
    )
    list_page: int = environ.var(
        250, converter=converters.integer(1, 1000), help="longest page of ListVolumes and ListSnapshots, entries"
    )
    validate_attachment: bool = environ.var(
        False, converter=converters.boolean, help="read the volume after each attach to confirm it: one request more"
    )
