"""Around both commands: what precedes Hydra, and how every error becomes one line and an exit code."""

import argparse
import difflib
import errno
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from crossmedia.errors import ConfigError, Interrupted, SystemFault, UserError, first_line

INTERRUPTED = 130
# What a system says of a path: not ours to mend.
REFUSED = {
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EROFS,
    errno.EIO,
}
REFUSED |= {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE}


def guarded(main: Callable[[], Any], root: Path) -> int:
    """Run `main`; a user's mistake is a line on stderr, ours is a traceback; returns the exit code."""
    os.environ["CROSSMEDIA_ROOT"] = str(root)
    # A thread that waits spins, then sleeps. By default two trainings side by side stand still; sleeping at
    # once takes a third of the speed of one alone; a thousand spins take little of either.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise, so that the words below are ours
    if {"--help", "-h"} & set(sys.argv[1:]):
        return explained(lambda: _help(root))
    from crossmedia.config_files import guard

    guard()
    return explained(main)


def trusted_words() -> list[str]:
    """The packages of `--trust PACKAGE`, which Hydra does not know: taken out of the command line."""

    def refuse(message: str) -> NoReturn:
        raise ConfigError(f"{message}. Say --trust PACKAGE: a package of yours that a run's files may name")

    parser: Any = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.error = refuse
    parser.add_argument("--trust", action="append", default=[])
    options, sys.argv[1:] = parser.parse_known_args()
    return options.trust


def arguments() -> Any:
    """What Hydra makes of the command line."""
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        raise ConfigError(f"{message}. Flags stand before all key=value, or after them. train.py --help")

    parser: Any = get_args_parser()
    parser.error = refuse
    words = parser.parse_args()
    alone = [f"--{name}" for name in ("run", "multirun", "cfg", "info") if getattr(words, name)]
    if len(alone) > 1:
        raise ConfigError(f"{' '.join(alone)}: one of them at a time. Leave out all but one")
    return words


def explained(main: Callable[[], Any]) -> int:
    """Run `main` and put what it raises into words."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode gets escapes
    try:
        main()
        sys.stdout.flush()  # a closed pipe shows here, not in the interpreter's last breath
    except UserError as error:
        return say(error)
    except KeyboardInterrupt as error:
        return error.code if isinstance(error, Interrupted) else INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        worded = reworded(error)
        if worded is None:
            raise
        return say(_with_more(worded, error))
    return 0


def say(error: UserError) -> int:
    if "debug=true" in sys.argv:
        traceback.print_exception(error)
    print(error.report(), file=sys.stderr)
    return error.code


def _with_more(worded: UserError, error: BaseException) -> UserError:
    """Hydra stops at a command line's first fault: add what else is wrong, as if that one were mended."""
    from hydra.errors import HydraException

    from crossmedia import config

    if not isinstance(error, HydraException):
        return worded
    words = arguments()
    overrides, lines = words.overrides, list(worded.lines)
    if words.multirun or words.cfg or words.info:
        return worded
    while (overrides := _mended(overrides, error)) is not None:
        try:
            config.check(config.compose(overrides, words.config_dir))
        except Exception as more:
            found = more if isinstance(more, UserError) else reworded(more)
            lines += found.lines if found else []
            error = more
        else:
            break
    return ConfigError(*dict.fromkeys(lines))


def _mended(overrides: list[str], error: Any) -> list[str] | None:
    """The overrides without the one that Hydra's error is about, or with the option surely meant."""
    from hydra.errors import HydraException, MissingConfigException

    said = getattr(error, "override", None) or str(error)
    for place, override in enumerate(overrides):
        key = override.lstrip("+~").partition("=")[0]
        rest = [*overrides[:place], *overrides[place + 1 :]]
        if isinstance(error, MissingConfigException):
            group, _, option = str(error.missing_cfg_file).rpartition("/")
            meant = difflib.get_close_matches(option, error.options or [], n=1, cutoff=0.9)
            if key == group:
                return [*rest, f"{group}={meant[0]}"] if meant else None
        elif isinstance(error, HydraException) and (override in said or f"'{key}'" in said):
            return [*rest, override.replace(key, "experiments", 1)] if key == "experiment" else rest
    return None


def _help(root: Path) -> None:
    """Hydra's own takes twice as long, and leaves out the experiments."""
    from crossmedia.listing import experiments, groups

    print("Experiments: python train.py experiments=NAME [key=value …]")
    for name, about in experiments(root).items():
        print(f"  {name:30} {about.get('direction') or '':16} {about.get('claim') or ''}")
    print("\nGroups: group=option")
    for group in ("data", "model", "trainer", "logger", "data/tokenizer", "data/view", "model/frontend"):
        print(f"  {group:16} {', '.join(groups(root, group))}")
    print(
        "\nOverrides: key=value changes, +key=value adds, ~key drops. --cfg job shows every key with its\n"
        "value, --info what Hydra composed, -m key=a,b runs a grid, -cd FOLDER adds configs of yours,\n"
        "--trust PACKAGE lets the files of runs name classes of a package of yours, --hydra-help Hydra's\n"
        "further words. What reads the runs: crossmedia --help"
    )


def reworded(error: BaseException) -> UserError | None:
    """A fault of Hydra's or OmegaConf's as one line with the key and the nearest right name, else None."""
    import yaml
    from hydra.errors import HydraException, MissingConfigException, OverrideParseException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from crossmedia.config import nearest
    from crossmedia.references import keys_below

    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, option = error.missing_cfg_file.rpartition("/")
        kind = "experiment" if group == "experiments" else "option"
        advice = "crossmedia list" if group == "experiments" else ", ".join(error.options)
        return ConfigError(f"{group}={option}: no such {kind}{nearest(option, error.options)}. All: {advice}")
    if isinstance(error, OverrideParseException):
        key, sign, value = error.override.partition("=")
        advice = f"Quote it: '{key}=\"{value}\"'" if sign else "Overrides read key=value"
        return ConfigError(f"{error.override}: cannot be read as an override. {advice}")
    if isinstance(error, yaml.YAMLError):
        mark: Any = getattr(error, "problem_mark", None)
        where = f"{mark.name}:{mark.line + 1}" if mark else "a config file"
        return ConfigError(f"{where}: not valid YAML ({getattr(error, 'problem', None) or error})")
    if isinstance(error, ValueError) and "Config group override must be" in str(error):
        return ConfigError("a group takes the name of an option, or a list of them; ~group drops it")
    if isinstance(error, OSError) and error.errno in REFUSED and error.filename:
        return SystemFault(f"{error.filename}: {error.strerror}")
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    first = first_line(error)
    if first.startswith("Ambiguous value"):
        override = first.partition("'")[2].rstrip("'")
        return ConfigError(f"{override}: several values. A grid of them needs -m, a text quotes")
    cause: Any = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if "experiment=" in " ".join(sys.argv) and "'experiment'" in first:
        value = next(a.partition("=")[2] for a in sys.argv if a.lstrip("+").startswith("experiment="))
        return ConfigError(
            f"experiment={value}: the group is called experiments. python train.py experiments={value}"
        )
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        key = str(cause.full_key)
        parent: Any = cause.parent_node  # none above a root
        siblings = OmegaConf.to_container(parent) if OmegaConf.is_config(parent) else {}
        names = list(keys_below(siblings, key.rpartition(".")[0]))
        if "not in" in str(cause):
            return ConfigError(f"{key}: no such key{nearest(key, names)}")
        return ConfigError(f"{key}: {first_line(cause)}")
    if "Could not override" in first:
        key = first.partition("'")[2].partition("'")[0]
        known = ("data", "model", "trainer", "logger", "experiments")
        return ConfigError(f"{key}: no such key or group{nearest(key, known)}")
    return ConfigError(first)
