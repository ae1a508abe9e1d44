"""What the pages of docs/guides tell to run is found, and is at least what a shell and a YAML parser can read."""

from pathlib import Path

import pytest

from tests.e2e.guides import FOLDER, Guide, filled
from tools.processes.run import run

PAGE = Guide("""\
# A page
```sh
one
```
## First
1. Do this:
   ```sh
   two \\
       three
   ```
## Last
```sh
four
```
""")


def with_blocks(language: str) -> list[Path]:
    return [page for page in sorted(FOLDER.glob("*.md")) if f"```{language}" in page.read_text()]


def test_commands_are_found_below_their_heading_without_the_indent_of_their_list() -> None:
    assert PAGE.commands("First") == ["two \\\n    three\n"]
    assert PAGE.commands("Last") == ["four\n"]
    assert len(PAGE.commands()) == 3


def test_a_heading_that_is_gone_and_an_example_that_is_gone_are_told() -> None:
    with pytest.raises(AssertionError, match="Second"):
        PAGE.commands("Second")
    with pytest.raises(AssertionError, match="nyc1"):
        filled("region: fra1", {"nyc1": "ams3"})


@pytest.mark.parametrize("page", with_blocks("sh"), ids=lambda page: page.stem)
def test_a_shell_can_read_every_command_of_a_guide(page: Path) -> None:
    commands = Guide.read(page.stem).commands()
    assert len(commands) == page.read_text().count("```sh")
    run("bash", "-n", "-c", "\n".join(commands))


@pytest.mark.parametrize("page", with_blocks("yaml"), ids=lambda page: page.stem)
def test_every_manifest_of_a_guide_is_yaml(page: Path) -> None:
    assert all(Guide.read(page.stem).manifests())
