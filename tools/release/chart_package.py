"""The chart's package: what ``helm package`` makes, with the image's digest in its values and no time of its own."""

import gzip
import io
import re
import shutil
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.chart import CHART, helm
from tools.image import archive
from tools.release import NotReleased, chart_name

NO_DIGEST = re.compile(r'^(  digest: )""$', re.MULTILINE)


def package(folder: Path, version: str, digest: str) -> Path:
    """Write the package of the chart to ``folder``; its values name the image by ``digest``. Return its path."""
    target = folder / chart_name(version)
    with TemporaryDirectory(prefix="aiocsi-chart-") as name:
        copy = Path(name) / CHART.name
        shutil.copytree(CHART, copy)
        values = copy / "values.yaml"
        values.write_text(with_digest(values.read_text(), digest))
        options = (f"--destination={name}", f"--version={version}", f"--app-version={version}")
        helm.run("helm", "package", str(copy), *options)
        target.write_bytes(normal((Path(name) / target.name).read_bytes()))
    return target


def with_digest(values: str, digest: str) -> str:
    """Return the chart's values with the driver's image named by digest. Raises NotReleased if they cannot."""
    text, count = NO_DIGEST.subn(rf'\g<1>"{digest}"', values)
    if count != 1:
        raise NotReleased(f"charts/aiocsi/values.yaml has {count} lines like {NO_DIGEST.pattern}, not one")
    return text


def normal(package: bytes) -> bytes:
    """Return a package with the same files, in a fixed order, of no one's and of no time."""
    written = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(package)) as given,
        gzip.GzipFile(filename="", mode="wb", fileobj=written, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as made,
    ):
        for member in sorted(given.getmembers(), key=lambda one: (one.name.count("/") > 1, one.name)):
            contents = given.extractfile(member)
            if contents is not None:
                archive.add_bytes(made, member.name, contents.read())
    return written.getvalue()
