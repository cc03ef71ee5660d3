"""The encoder that a run begins with: new, read back from a file, or on weights of another program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from augnet_cli.encoder.devices import probes
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.errors import EncoderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.export import drift_between, shift_between
from augnet_cli.training.float_weights import PREFIX, float_weights
from augnet_cli.training.foreign_weights import taken_from
from augnet_cli.training.methods import method_class
from augnet_cli.training.methods.method import Method
from augnet_cli.training.request import DEFAULT_METHOD, TrainRequest
from augnet_cli.training.weight_files import is_weight_file, read_weight_file, tensors_of

if TYPE_CHECKING:
    from augnet_cli.training.pixels import PixelCache

Note = Callable[[str], None]  # `progress.Progress.note`

STATISTICS_SAMPLE = 1000  # images whose colours give mean and deviation: their error is then below 1 %

# Mean distance of made-up pictures in float to themselves in integers: 0.004 for the shipped encoder, 0.03
# for one that is hardly trained, and 1 for another network.
MAX_STRAY = 0.2
# Largest difference of a number in float, on made-up pictures: ten times what export allows on real ones.
# Some excite hardly trained networks until rounding shows (2e-4); other networks differ by far more.
MAX_START_DRIFT = 1e-3


@dataclass(frozen=True)
class Start:
    """What a run begins with.

    Attributes:
        encoder: with its weights.
        is_normalised: its mean and deviation came with the weights; else they are to be the pictures' own.
        scalar: of all colour channels together, as the weights were trained.
        has_new_head: its head is new, and its backbone is not.
    """

    encoder: Encoder
    is_normalised: bool = True
    scalar: bool = False
    has_new_head: bool = False


def start_encoder(request: TrainRequest, config: Any, note: Note = lambda text: None) -> Start:
    """The encoder a run begins with: shipped, from a file, or new.

    `note` is told what a person should know of it.

    Raises:
        UsageError: something of a new encoder is asked of an old one.
        EncoderError: there is no such encoder, or the file is none.
    """
    kind, init = method_class(request.method or DEFAULT_METHOD), request.init or "shipped"
    head = kind.head(config)
    if init == "scratch":
        return Start(Encoder(_new_spec(request, head)), is_normalised=False)
    file = initial_file(init)
    loaded = read_weight_file(file) if is_weight_file(file) else None
    if loaded is not None and not is_state_of_run(loaded):
        return _from_foreign_weights(tensors_of(loaded, file), file, head, request, note)
    for option in ("backbone", "width", "size"):
        if getattr(request, option) is not None:
            raise _for_a_new_one(option, init)
    encoder = encoder_from_file(file) if loaded is None else encoder_of_run(loaded, file)
    if kind.takes_head(config, encoder.spec.head):
        if request.dim is not None:
            raise _for_a_new_one("dim", init)
        return Start(_of_what_is_trained(encoder, kind, config, note))
    if init == "shipped":  # perhaps nobody asked for it: a method of its own is best started anew
        raise UsageError(
            f"these settings want an encoder with the head {head}, "
            f"and that of --init {shown(init)} has {encoder.spec.head}",
            "--init FILE, such as one that --method simclr made" if kind.wants_start else "--init scratch",
        )
    note(f"the head of {shown(init)} is {encoder.spec.head}: a new one, {head}, follows its backbone")
    return Start(with_head(encoder, head, request.dim), has_new_head=True)


def _of_what_is_trained(encoder: Encoder, kind: type[Method], config: Any, note: Note) -> Encoder:
    """Without the whitening and the clusters that were fitted to embeddings which are to change, unless they
    are fitted anew.
    """
    if encoder.whitening is not None and not getattr(config, "whiten", False):
        encoder.whitening = None
        encoder.spec = replace(encoder.spec, whitened=False)
        note("the whitening that the encoder was finished by is left out, as this method fits none")
    if encoder.clusters is not None and not kind.keeps_clusters(config):
        encoder.clusters = None
        encoder.spec = replace(encoder.spec, clusters=0)
        note("the clusters that the encoder tells apart are left out, as this method does not train them")
    return encoder


def _from_foreign_weights(
    tensors: Mapping[str, Tensor], file: str, head: str, request: TrainRequest, note: Note
) -> Start:
    """A new head on a backbone that another program trained."""
    taken = taken_from(tensors, file, request.backbone, request.width)
    size = request.size or taken.origin.size
    spec = EncoderSpec(taken.backbone, size, _dim_of(request.dim, head), head, width=taken.width)
    encoder = Encoder(spec)
    encoder.backbone.load_state_dict(taken.weights, strict=False)  # whole, but for counters of batches
    note(f"{shown(file)}: {taken.told()}; a new head, {head}, follows")
    origin = taken.origin
    if origin.mean is None:
        return Start(encoder, is_normalised=False, scalar=True, has_new_head=True)
    encoder.mean.copy_(torch.tensor(origin.mean))
    encoder.std.copy_(torch.tensor(origin.std))
    return Start(encoder, has_new_head=True)


def is_state_of_run(loaded: Mapping[str, Any]) -> bool:
    """Whether a file of torch is a checkpoint of augnet (`checkpoint.save_checkpoint`)."""
    return isinstance(loaded.get("method"), Mapping) and isinstance(loaded.get("identity"), Mapping)


def encoder_of_run(loaded: Mapping[str, Any], file: str) -> Encoder:
    """The encoder as it was when a checkpoint of augnet was written.

    Raises:
        EncoderError: its weights don't fit what it says of itself.
    """
    states = {
        name.removeprefix(PREFIX): tensor
        for name, tensor in loaded["method"].items()
        if str(name).startswith(PREFIX)
    }
    try:
        spec = EncoderSpec(**loaded["identity"]["encoder"])
        # A method may have added clusters after the run was named.
        clusters = len(states["clusters.weight"]) if "clusters.weight" in states else 0
        encoder = Encoder(replace(spec, clusters=clusters))
        encoder.load_state_dict(states)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _unfit(file, "the checkpoint") from error
    return encoder


def _for_a_new_one(option: str, init: str) -> UsageError:
    return UsageError(
        f"--{option} is for a new encoder, and --init {shown(init)} continues an old one", "--init scratch"
    )


def with_head(encoder: Encoder, head: str, dim: int | None = None) -> Encoder:
    """A new encoder with the backbone and the normalisation of `encoder`, and a new head of `dim` numbers.

    `dim` None is what a new encoder with this head has.  A whitening or clusters, which follow a head, do not
    come along.

    Raises:
        EncoderError: no such head, or one that can't have so many numbers.
    """
    spec = replace(encoder.spec, head=head, dim=_dim_of(dim, head), whitened=False, clusters=0)
    made = Encoder(spec)
    made.backbone.load_state_dict(encoder.backbone.state_dict())
    made.mean.copy_(encoder.mean)
    made.std.copy_(encoder.std)
    return made


def _dim_of(dim: int | None, head: str) -> int:
    """The `dim` of a new head, where None was said."""
    if dim is not None:
        return dim
    return 0 if head in ("tanh", "pooled") else EncoderSpec().dim


def initial_file(init: str) -> str:
    """The file that `--init` means; not for `scratch`."""
    return shipped_encoder() if init == "shipped" else init


def _new_spec(request: TrainRequest, head: str) -> EncoderSpec:
    default = EncoderSpec()
    return EncoderSpec(
        backbone=request.backbone or default.backbone,
        size=request.size or default.size,
        dim=_dim_of(request.dim, head),
        head=head,
        width=request.width or 0,
    )


def encoder_from_file(file: str) -> Encoder:
    """The encoder that an exported file was made from, ready to be trained further.

    Raises:
        EncoderError: the file is no encoder of augnet, or its weights don't fit its card.
    """
    import onnx

    embedder = Embedder.load(file)
    try:
        encoder = Encoder(EncoderSpec(**embedder.card.architecture))  # type: ignore[arg-type]
        # What is no weight follows from the architecture (`symmetric.Lift.places`).
        derived = {name for name, _ in encoder.named_buffers()} - encoder.state_dict().keys()
        weights = {
            name: torch.from_numpy(array)
            for name, array in float_weights(onnx.load(file)).items()
            if name not in derived
        }
        missing, unexpected = encoder.load_state_dict(weights, strict=False)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _unfit(file) from error
    # Counters of batches are no weights and are not exported.
    if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
        raise _unfit(file)
    # Weights may fit a network that computes something else: one of another version of augnet.
    size = embedder.resize.size
    if encoder.spec.size != size or not _computes_alike(encoder.eval(), embedder, probes(size)):
        raise _unfit(file)
    return encoder


def _computes_alike(encoder: Encoder, embedder: Embedder, images: np.ndarray) -> bool:
    if embedder.card.is_quantised:
        return shift_between(encoder, embedder, images) <= MAX_STRAY
    return drift_between(encoder, embedder, images) <= MAX_START_DRIFT


def _unfit(file: str, teller: str = "its card") -> EncoderError:
    return EncoderError(
        f"the weights in {shown(file)} don't fit what {teller} says", "start anew: --init scratch"
    )


def known_thresholds(init: str, encoder: Encoder) -> dict[str, float] | None:
    """The distances that the file of `--init` was measured to mean, where `encoder` has still its head."""
    if init == "scratch" or is_weight_file(initial_file(init)):
        return None
    card = Embedder.load(initial_file(init)).card
    before, now = EncoderSpec(**card.architecture), encoder.spec  # type: ignore[arg-type]
    return dict(card.thresholds) if (before.head, before.dim) == (now.head, now.dim) else None


def fit_normalisation(encoder: Encoder, pixels: PixelCache, seed: int, scalar: bool) -> None:
    """Set the encoder's mean and deviation to those of the images, by channel or over all of them."""
    mean, std = pixels.channel_statistics(STATISTICS_SAMPLE, np.random.default_rng([seed, 0]))
    if scalar:
        # The deviation over all channels together has the spread between their means in it.
        std = np.sqrt(np.full(3, (std**2 + mean**2).mean() - mean.mean() ** 2))
        mean = np.full(3, mean.mean())
    encoder.mean.copy_(torch.tensor(mean))
    encoder.std.copy_(torch.tensor(std))
