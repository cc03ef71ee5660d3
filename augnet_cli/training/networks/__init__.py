"""Networks that make features of images, a family a file; `training.backbones` has them all by name."""
