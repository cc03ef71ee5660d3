"""The trained network as a file: uint8 images in, unit rows out (ONNX Runtime)."""

import os

# From version 1.29 ONNX Runtime reports to its maker over the network, and leaves files of its own in the
# temporary and home folders, unless this is set before it is loaded. What is done with photos is nobody's
# business; who wants it nevertheless sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
