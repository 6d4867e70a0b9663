"""A run as others can use it: weights as safetensors, the config, and a model card."""

import shlex
from pathlib import Path

from safetensors.torch import save_file

from crossmedia import run
from crossmedia.errors import SystemFault
from crossmedia.folder import find_run, write_json, write_whole
from crossmedia.report.tables import to_markdown
from crossmedia.saved import inside, read_checkpoint, saved_facts

CARD = """# {name}

{claim}

{scores}

Made by crossmedia with `{command}`, seed {seed}, commit {commit}, data `{data}`.

| file | holds |
|---|---|
| model.safetensors | the weights |
| config.json | the model's config and what it knows of its data: classes, tokenizer, picture size |

```python
from crossmedia import run
model = run.load("{source}")
```
"""


def export(name: str | Path, out: Path | None = None) -> Path:
    """Write the folder; returns its path. Raises as `run.load` does."""
    folder, checkpoint = find_run(name)
    task = run.load(checkpoint)
    saved = read_checkpoint(checkpoint)
    out = out or inside(folder, "export")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFault(f"{out}: {error.strerror}. Choose another folder with --out") from error
    weights = {key: value.contiguous().clone() for key, value in task.net.state_dict().items()}
    beside = out / ".model.tmp"
    save_file(weights, beside, metadata={"format": "pt"})
    beside.replace(out / "model.safetensors")
    write_json(out / "config.json", {key: saved[key] for key in ("format", "model", "meta")})
    facts, scores = saved_facts(folder, "manifest"), saved_facts(folder, "scores")
    rows = [[key, None if value is None else round(value, 4)] for key, value in scores.items()]
    about = facts.get("about") or {}
    command = shlex.join(facts.get("command", []))
    card = CARD.format(
        name=facts.get("experiment", folder.name),
        claim=about.get("claim") or "",
        scores=to_markdown(["score", "value"], rows),
        command=command,
        seed=facts.get("seed"),
        commit=(facts.get("git") or {}).get("commit"),
        data=facts.get("data"),
        source=checkpoint,
    )
    write_whole(out / "README.md", card)
    return out
