"""What someone could put into a run folder to have it executed, and where it fits."""

import copy
import hashlib
import itertools

import torch
import yaml

from crossmedia.sealed import SEAL, write_checkpoint

KINDS = {
    "direct execution": """
        os.system os.popen os.execv subprocess.run subprocess.Popen subprocess.check_output builtins.exec
        builtins.eval""",
    "aliases and re-exports": """
        posix.system shutil.os.system pathlib.os.system crossmedia.run.os.system
        crossmedia.build.importlib.import_module crossmedia.manifest.subprocess.run crossmedia.cli.sys.exit
        torch.utils.collect_env.run""",
    "deferred, nested and partial": """
        functools.partial functools.reduce operator.methodcaller builtins.getattr builtins.map
        hydra.utils.instantiate hydra.utils.call crossmedia.build.build""",
    "side effects of an import": """
        antigravity.fly this.s idlelib.idle.main canary.Thing canary.deep.Thing turtledemo.X""",
    "deserialisers": """
        pickle.loads pickle.load torch.load joblib.load numpy.load yaml.unsafe_load marshal.loads
        shelve.open""",
    "files": """
        builtins.open pathlib.Path.write_text os.remove shutil.rmtree shutil.copyfile os.symlink
        crossmedia.folder.RunFolder crossmedia.trainer.log.CSVLog""",
    "network": """
        urllib.request.urlopen torch.hub.load socket.create_connection huggingface_hub.snapshot_download
        http.client.HTTPConnection crossmedia.nets.backbones._folder""",
    "processes and threads": """
        multiprocessing.Process threading.Thread os.fork concurrent.futures.ProcessPoolExecutor
        torch.multiprocessing.spawn crossmedia.trainer.trackers.threading.Thread""",
    "installers": "pip.main ensurepip.bootstrap",
    "secrets": "os.getenv os.environ.get getpass.getpass keyring.get_password",
}
TARGETS = [name for names in KINDS.values() for name in names.split()]

# Where a hostile node is put: the part of the config or checkpoint, the right name there, and how it is put.
ROOTS = {
    "data": "crossmedia.data.module.DataModule",
    "model": "crossmedia.tasks.classification.Classification",
    "trainer": "pytorch_lightning.Trainer",
    "logger": "pytorch_lightning.loggers.WandbLogger",
    "early_stopping": "pytorch_lightning.callbacks.EarlyStopping",
    "meta": "crossmedia.images.transforms.ImageTransform",
}
PLACES = {
    "whole": lambda bad, good: bad,
    "argument": lambda bad, good: {"_target_": good, "net": bad},
    "partial": lambda bad, good: {"schedule": {**bad, "_partial_": True}},
    "list": lambda bad, good: {"parts": [1, [bad]]},
    "deep": lambda bad, good: {"a": {"b": {"c": {"d": bad}}}},
}
OF_CONFIG = list(itertools.product([root for root in ROOTS if root != "meta"], PLACES))
OF_CHECKPOINT = list(itertools.product(["model", "meta"], PLACES))


def put(bad, root, place):
    return PLACES[place](bad, ROOTS[root])


def harm(target, canary):
    """A node that would leave the canary, whichever of these arguments its target takes."""
    words = f"touch {canary}"
    arguments = {"command": words, "cmd": words, "args": words, "shell": True, "file": str(canary)}
    return {"_target_": target, **arguments}


def sealed(content):
    """Bytes with a valid checksum: anyone can compute it."""
    return content + SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n"


def values_of(folder):
    return torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)


def in_config(folder, root, node):
    """Put a node into a run folder's config.yaml."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), root: node}, sort_keys=False))


def in_checkpoint(folder, saved, root, node):
    """A best.ckpt of the saved values with another `model` or part of `meta`."""
    saved = copy.deepcopy(saved)
    if root == "meta":
        saved["crossmedia"]["meta"]["image"] = node
    else:
        saved["crossmedia"][root] = node
    write_checkpoint(folder / "checkpoints" / "best.ckpt", saved)
