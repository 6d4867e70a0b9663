"""Config files before Hydra reads them: what is short and endless to read, and words of two meanings.

Hydra expands every alias and descends by recursion; and YAML 1.1 takes for numbers and truth values what is
text on the command line.
"""

import functools
import re
from pathlib import Path
from typing import Any

import yaml

from crossmedia.errors import ConfigError

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 50
MOST = 20_000  # values, those that aliases stand for counted each time
TWOFOLD = re.compile(
    r"yes|no|on|off|Yes|No|On|Off|YES|NO|ON|OFF"  # truth values
    r"|[-+]?0[0-7_]+|[-+]?0[bx][0-9a-fA-F_]+"  # whole numbers of base 8, 2 and 16
    r"|[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?"  # of base 60
)


def verify(path: Path) -> None:
    """Raise ConfigError where a YAML file cannot be read safely, or would be read as nobody meant it."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8, at byte {error.start}. Save it as UTF-8") from None
    sizes: dict[str, int] = {}  # anchor -> values that its alias stands for
    above: list[tuple[str | None, int]] = []
    count = 0
    try:
        for event in yaml.parse(text, LOADER):
            if isinstance(event, yaml.AliasEvent):
                count += sizes.get(event.anchor, 0)
            elif isinstance(event, yaml.CollectionStartEvent):
                above.append((event.anchor, count))
                count += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = above.pop()
                sizes |= {anchor: count - before} if anchor else {}
            elif isinstance(event, yaml.ScalarEvent):
                count += 1
                if event.implicit[0] and TWOFOLD.fullmatch(event.value):
                    where = f"{path}:{event.start_mark.line + 1}"
                    read = yaml.safe_load(event.value)
                    words = f"{event.value} is {read} to YAML, and text on the command line. Quote it"
                    raise ConfigError(f"{where}: {words}")
            if len(above) > DEEPEST:
                raise ConfigError(f"{path}: nested deeper than {DEEPEST} levels. Make it flatter")
            if count > MOST:
                raise ConfigError(f"{path}: more than {MOST} values, with its aliases. Make it smaller")
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise ConfigError(f"{where}: not valid YAML ({getattr(error, 'problem', None) or error})") from None


def guard() -> None:
    """Let Hydra read no file that has not been verified."""
    from hydra._internal.core_plugins.file_config_source import FileConfigSource

    load: Any = FileConfigSource.load_config
    if hasattr(load, "__wrapped__"):
        return

    @functools.wraps(load)
    def verified(self: Any, config_path: str) -> Any:
        path = Path(self.path, self._normalize_file_name(config_path))
        if path.is_file():
            verify(path)
        return load(self, config_path)

    FileConfigSource.load_config = verified
