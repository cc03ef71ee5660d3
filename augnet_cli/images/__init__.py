"""From files to pixels: walk a folder, tell images from the rest, decode them safely."""
