"""Training an encoder without labels. Only this package and `evaluation` import torch."""
