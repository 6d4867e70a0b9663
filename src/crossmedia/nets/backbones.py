"""Transfer learning: a ResNet, perhaps trained (He et al., 2016), averaged over the picture, under our head.

Shapes: B batch, S image size, h w the backbone's last grid, F its width, K classes.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor, nn

from crossmedia.errors import CheckpointError, SystemFault, brief
from crossmedia.limits import one_of, within

Depth = Literal[18, 34, 50, 101]
Freeze = Literal["backbone", "none"]

# depth -> kind of block, blocks of each stage (He et al., 2016, table 1)
_STAGES = {
    18: ("basic", [2, 2, 2, 2]),
    34: ("basic", [3, 4, 6, 3]),
    50: ("bottleneck", [3, 4, 6, 3]),
    101: ("bottleneck", [3, 4, 23, 3]),
}
_IMAGENET_MEAN, _IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # where the folder does not say
_EXPANSION = {"basic": 1, "bottleneck": 4}


class ResNetClassifier(nn.Module):
    """ResNet of `depth` layers, global average pooling, then dense layers of widths `hidden` to the classes.

    `pretrained` names a local folder (config.json and safetensors) or a model of the Hugging Face hub,
    as "microsoft/resnet-18"; without it the weights are drawn. `freeze` "backbone" keeps the backbone as
    it is, its BatchNorm statistics too, and trains the head. `width` is that of the first stage, 64
    in the paper.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        num_classes: int,
        depth: Depth = 18,
        width: int = 64,
        pretrained: str | None = None,
        freeze: Freeze = "none",
        hidden: Sequence[int] = (),
        dropout: float = 0.0,
    ):
        super().__init__()
        within(num_classes=num_classes, width=width, hidden=hidden, dropout=dropout)
        one_of(_STAGES, depth=depth)
        one_of(get_args(Freeze), freeze=freeze)
        self.frozen = freeze == "backbone"
        self.backbone, mean, std = _backbone(depth, width, pretrained)
        self.backbone.requires_grad_(not self.frozen)
        # what the backbone was trained on, seen from pictures in [-1, 1]; kept in the checkpoint
        self.register_buffer("mean", torch.tensor(mean)[:, None, None] * 2 - 1)
        self.register_buffer("std", torch.tensor(std)[:, None, None] * 2)
        features = self.backbone.config.hidden_sizes[-1]
        layers: list[nn.Module] = []
        for before, after in zip((features, *hidden), hidden, strict=False):
            layers += [nn.Dropout(dropout), nn.Linear(before, after), nn.ReLU()]
        self.head = nn.Sequential(
            *layers, nn.Dropout(dropout), nn.Linear((features, *hidden)[-1], num_classes)
        )
        self.train()

    def forward(self, images: Tensor) -> Tensor:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            x = (images - self.mean) / self.std  # (B, 3, S, S)
            x = self.backbone(x).last_hidden_state  # (B, F, h, w)
        return self.head(x.mean(dim=(2, 3)))  # (B, K)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.frozen:
            self.backbone.eval()  # BatchNorm would go on learning its statistics
        return self


def _backbone(depth: int, width: int, pretrained: str | None) -> tuple[Any, Sequence[float], Sequence[float]]:
    """The ResNet, and mean and deviation of the pictures in [0, 1] that it was trained on."""
    try:
        from transformers import ResNetConfig, ResNetModel
    except ImportError as error:
        message = 'ResNetClassifier: needs the package transformers. Run pip install "crossmedia[backbones]"'
        raise SystemFault(message) from error
    kind, stages = _STAGES[depth]
    sizes = [_EXPANSION[kind] * width * 2**stage for stage in range(len(stages))]
    shape = {
        "model_type": "resnet",
        "layer_type": kind,
        "depths": stages,
        "hidden_sizes": sizes,
        "embedding_size": width,
    }
    model = ResNetModel(ResNetConfig(**{key: shape[key] for key in shape if key != "model_type"}))
    model.add_module("pooler", nn.Identity())  # the head pools
    if pretrained is None:
        return model, [0.5] * 3, [0.5] * 3  # pictures go in as they are
    folder = _folder(pretrained)
    found = _read(folder / "config.json", pretrained)
    for key, want in shape.items():
        if found.get(key) != want:
            raise CheckpointError(
                f"{pretrained}/config.json: {key} is {found.get(key)}, but ResNet-{depth} of width {width} "
                f"has {want}. Set net.depth and net.width to those of the weights"
            )
    _load(model, folder, pretrained)
    return model, *_range(folder / "preprocessor_config.json", pretrained)


def _range(path: Path, pretrained: str) -> tuple[list[float], list[float]]:
    """Mean and deviation that the folder gives, else ImageNet's."""
    given = _read(path, pretrained) if path.exists() else {}
    found = {"image_mean": _IMAGENET_MEAN, "image_std": _IMAGENET_STD}
    for name in found:
        values = given.get(name, found[name])
        numbers = isinstance(values, list) and all(isinstance(value, int | float) for value in values)
        if not numbers or len(values) != 3 or not all(map(math.isfinite, values)):
            raise CheckpointError(f"{pretrained}/{path.name}: {name} must be three numbers")
        found[name] = values
    return found["image_mean"], found["image_std"]


def _folder(pretrained: str) -> Path:
    """The folder of that name, else the hub's model of that name, fetched once."""
    folder = Path(pretrained).expanduser()
    if folder.is_dir():
        return folder
    if pretrained.startswith((".", "/", "~")) or pretrained.count("/") > 1:
        raise CheckpointError(
            f"{pretrained}: no such folder. Give one with config.json and safetensors, or a hub name"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(pretrained, allow_patterns=["*.json", "*.safetensors"]))
    except Exception as error:  # of many kinds: name, network, permission
        raise CheckpointError(
            f"{pretrained}: neither a folder nor a model that the hub gives ({_first_line(error)}). "
            "Check the name and the network, or download it and give its folder"
        ) from error


def _read(path: Path, pretrained: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{pretrained}: has no {path.name}. Give a folder that transformers saved"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        line = f"{pretrained}/{path.name}: cannot be read ({_first_line(error)}). Download or save it again"
        raise CheckpointError(line) from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{pretrained}/{path.name}: must be a JSON object. Download or save it again")
    return found


def _load(model: nn.Module, folder: Path, pretrained: str) -> None:
    """Read all of the backbone's weights; those of the folder's own classifier are left."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights: dict[str, Tensor] = {}
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise CheckpointError(f"{pretrained}: has no .safetensors file. Save the weights in that format")
    for path in paths:
        try:
            weights |= load_file(path)
        except (OSError, SafetensorError, KeyError) as error:  # KeyError: a type that torch has not
            line = (
                f"{pretrained}/{path.name}: cannot be read ({_first_line(error)}). Download or save it again"
            )
            raise CheckpointError(line) from error
    weights = {name.removeprefix("resnet."): weight for name, weight in weights.items()}
    for name, own in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            weights.setdefault(name, own)  # a counter that BatchNorm reads only without momentum
        elif name not in weights or weights[name].shape != own.shape:
            found = "missing" if name not in weights else f"of shape {list(weights[name].shape)}"
            raise CheckpointError(
                f"{pretrained}: {name} is {found}, the backbone needs {list(own.shape)}. "
                "Give a whole ResNet's weights"
            )
    model.load_state_dict({name: weights[name] for name in model.state_dict()})


def _first_line(error: Exception) -> str:
    return brief((str(error).splitlines() or [type(error).__name__])[0], 80)
