"""Which encoder file serves: the one that was named, the folder's own, or the shipped one."""

from __future__ import annotations

import os

from augnet_cli.errors import EncoderError
from augnet_cli.images.names import shown

SHIPPED_NAME = "augnet.onnx"
TRAINED_NAME = "encoder.onnx"


def shipped_encoder() -> str:
    """The path of the weights that came with augnet: inside the package, or beside it in a checkout.

    Raises:
        EncoderError: this installation has none.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    candidates = (os.path.join(package, "weights"), os.path.join(os.path.dirname(package), "weights"))
    for folder in candidates:
        file = os.path.join(folder, SHIPPED_NAME)
        if os.path.isfile(file):
            return file
    raise EncoderError(
        "this installation of augnet has no weights", "reinstall it: pip install --force-reinstall augnet"
    )


def choose_encoder(named: str | None, data_folder: str) -> str:
    """The file that was named, else the folder's own, else the shipped one.

    Args:
        named: the option --encoder; `shipped` means the shipped one.
        data_folder: where the folder's trained encoder would stand (`Place.data`).
    """
    if named == "shipped":
        return shipped_encoder()
    if named is not None:
        if not os.path.isfile(named):
            raise EncoderError(
                f"there is no encoder file {shown(named)}", "check the path, or use --encoder shipped"
            )
        return named
    trained = os.path.join(data_folder, TRAINED_NAME)
    return trained if os.path.isfile(trained) else shipped_encoder()
