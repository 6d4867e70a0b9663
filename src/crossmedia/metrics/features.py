"""What pictures are compared by: the features that a frozen net sees in them, and how they reach it."""

import functools
import hashlib
import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from crossmedia.build import locate
from crossmedia.errors import CheckpointError, SecurityError, SystemFault, brief
from crossmedia.images.transforms import resized
from crossmedia.nets.inception import InceptionV3

_PUBLISHED = "6726825d"  # how the sha256 of pytorch-fid's file begins
_SOURCE = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    f"pt_inception-2015-12-05-{_PUBLISHED}.pth"
)


NEEDED = "must have a name and see pictures, as SceneFeatures, DigitFeatures and InceptionFeatures do"


class Features(NamedTuple):
    """What a net sees: `features` tell sets of pictures apart, `probabilities` say what is in each."""

    features: Tensor  # (B, D) float32
    probabilities: Tensor  # (B, K) float32


class Known(NamedTuple):
    """What features are told by."""

    name: str  # a part of the name of each score by them
    sha256: str | None  # of their file of weights; None where there is none
    kinds: tuple[int, ...] = ()  # values of each attribute, where their classes are the kinds of an object


def known(node: dict[str, Any]) -> Known:
    """The features of a config's node, without building them; ConfigError where it names no class."""
    cls = locate(node.get("_target_"), "model.features")
    return cls.known(node) if hasattr(cls, "known") else Known(cls.name, None)


def scores_pictures(features: Any) -> bool:
    """Whether a class, or a net of it, has what its scores need: a name, and a forward of its own."""
    kind: Any = features if isinstance(features, type) else type(features)
    own = getattr(kind, "forward", nn.Module.forward) is not nn.Module.forward
    return own and isinstance(getattr(features, "name", None), str)


class InceptionFeatures(nn.Module):
    """Those of published FIDs (Heusel et al., 2017), from pytorch-fid's file of weights: 2,048 features and
    1,008 classes, whose logits go without the bias as in the Inception Score's own code.

    By any other file they are named `inception_<first 8 digits of its sha256>`: no published number compares
    with their scores. The file is read by `read`, or at the first use: a task that only generates does
    without it.
    """

    name = "inception"
    sources = {"weights": _SOURCE}
    size = 299  # pixels a side
    _at_once = 32  # pictures; the first layers need 20 MB for each

    def __init__(self, weights: str):
        super().__init__()
        self.weights = weights
        self.name = self.known({"weights": weights}).name
        self.net: Any = None

    @classmethod
    def known(cls, node: dict[str, Any]) -> Known:
        digest = sha256(node.get("weights"))
        if digest is None or digest.startswith(_PUBLISHED):
            return Known(cls.name, digest)
        return Known(f"{cls.name}_{digest[:8]}", digest)

    def read(self) -> Any:
        """The net, frozen, with the weights of the file.

        Raises SystemFault where it is missing, SecurityError where it asks for more than weights,
        CheckpointError where it is damaged or another.
        """
        if self.net is None:
            path = Path(self.weights).expanduser()
            if self.known({"weights": path}).name != self.name:
                raise CheckpointError(f"{path}: is no longer the file that named {self.name}. Start again")
            with torch.inference_mode(False):  # what is made in that mode can never leave it
                with torch.device("meta"):  # nothing is drawn that the file then replaces
                    net: Any = InceptionV3()
                net = net.to_empty(device="cpu").to(memory_format=torch.channels_last)
                net.load_state_dict(_read(path, net))
                self.net = net.requires_grad_(False).eval()
        return self.net

    def forward(self, images: Tensor) -> Features:
        """(B, C, H, W) in [-1, 1], C 1 or 3."""
        self.read().to(images.device)
        features = torch.cat([self._features(part) for part in images.split(self._at_once)])  # (B, 2048)
        return Features(features, (features @ self.net.fc.weight.T).softmax(-1))

    def _features(self, images: Tensor) -> Tensor:
        images = in_colour(resized(images, (self.size, self.size)))
        return self.net(images.contiguous(memory_format=torch.channels_last))


def in_colour(images: Tensor) -> Tensor:
    """(B, 1 or 3, H, W) -> (B, 3, H, W)."""
    if images.shape[1] not in (1, 3):
        raise ValueError(f"images of {images.shape[1]} channels: must be 1 (grey) or 3 (colour)")
    return images.expand(-1, 3, -1, -1)


def sha256(path: Any) -> str | None:
    """Of a file, in hexadecimal digits; None where none can be read."""
    try:
        file = Path(path).expanduser()
        facts = file.stat()
        return _hashed(file, facts.st_size, facts.st_mtime_ns) if file.is_file() else None
    except (OSError, RuntimeError, TypeError, ValueError):  # no path at all, or of no user; a byte of 0
        return None


@functools.lru_cache
def _hashed(path: Path, size: int, changed: int) -> str:
    """By these three a file is known as the one before."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path, net: nn.Module) -> dict[str, Tensor]:
    """The weights of `net` in a file."""
    again = "Give that of pytorch-fid's release fid_weights"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a pickle that is not as torch writes it
            found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise SystemFault(
            f"{path}: no such file. Download {_SOURCE} or give its path as model.features.weights=…"
        ) from None
    except Exception as error:  # over bytes that torch did not write, its reader raises whatever it meets
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        if asked:
            raise SecurityError(f"{path}: asks for {brief(asked[1])}; not loaded. {again}") from None
        raise CheckpointError(f"{path}: cannot be read ({type(error).__name__}). {again}") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: holds a {type(found).__name__}, not weights by name. {again}")
    weights = {}
    for name, own in net.state_dict().items():
        weight = found.get(name)
        if name.endswith("num_batches_tracked"):
            weight = torch.zeros_like(own)  # a counter that only training reads; the file has none
        elif not isinstance(weight, Tensor) or weight.shape != own.shape:
            said = f"of shape {list(weight.shape)}" if isinstance(weight, Tensor) else "missing"
            raise CheckpointError(f"{path}: {name} is {said}, must be {list(own.shape)}. {again}")
        elif not weight.isfinite().all():
            raise CheckpointError(f"{path}: {name} holds what is no finite number. {again}")
        weights[name] = weight
    return weights
