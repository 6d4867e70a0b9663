"""Pictures and weights in their publishers' files, small, or with chunks that say what they are told to."""

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes, extra: bytes = b"", bits: int = 8) -> bytes:
    """A grey PNG whose chunks say what they are told to."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def npy(array: np.ndarray, **more: bool) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **more)
    return file.getvalue()


def dsprites(root: Path, pictures: np.ndarray, classes: np.ndarray, **members: bytes | None) -> Path:
    """The publisher's file with its members, or others in their place; None leaves one out."""
    from crossmedia.data.sources.dsprites import NAME

    pickled = npy(np.array({"author": "a pickle"}, dtype=object), allow_pickle=True)
    root.mkdir(parents=True, exist_ok=True)
    usual = {"metadata": pickled, "imgs": npy(pictures), "latents_classes": npy(classes)}
    with zipfile.ZipFile(root / NAME, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**usual, **members}.items():
            if data is not None:
                archive.writestr(f"{name}.npy", data)
    return root


def cifar10(root: Path) -> Path:
    """The publisher's binary version with forty pictures of noise in each file."""
    draw = np.random.default_rng(0)
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    (folder / "batches.meta.txt").write_text("\n".join(f"class {number}" for number in range(10)))
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        labels = np.arange(40, dtype=np.uint8)[:, None] % 10
        pixels = draw.integers(0, 256, (40, 3072), dtype=np.uint8)
        (folder / f"{name}.bin").write_bytes(np.concatenate([labels, pixels], 1).tobytes())
    return root


def inception(path: Path) -> dict[str, torch.Tensor]:
    """The weights in a file like pytorch-fid's, without counters of batches; each has one value, its own."""
    from crossmedia.nets.inception import InceptionV3

    with torch.device("meta"):
        shapes = {name: own.shape for name, own in InceptionV3().state_dict().items()}
    names = [name for name in shapes if not name.endswith("num_batches_tracked")]
    weights = {name: torch.tensor(place / 1000).expand(shapes[name]) for place, name in enumerate(names)}
    torch.save(weights, path)
    return weights


def idx(values: np.ndarray, magic: bytes = b"\0\0\x08") -> bytes:
    return magic + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def mnist(root: Path, suffix: str = "-idx", packed: bool = False) -> Path:
    """The publisher's four files: forty pictures to train, ten to test, each as light as its digit."""
    for part, number in (("train", 40), ("t10k", 10)):
        labels = (np.arange(number) % 10).astype(np.uint8)
        images = np.repeat(labels, 28 * 28).reshape(number, 28, 28) * 20
        for name, values in (
            (f"{part}-images{suffix}3-ubyte", images),
            (f"{part}-labels{suffix}1-ubyte", labels),
        ):
            data = idx(values)
            path = root / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(data) if packed else data)
    return root
