"""The trained network as a file: uint8 images in, unit rows out (ONNX Runtime)."""
