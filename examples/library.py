"""augnet from Python.  python examples/library.py FOLDER IMAGE"""

from __future__ import annotations

import sys

from augnet_cli import dedupe, encode, index, query

if len(sys.argv) != 3:
    sys.exit("usage: python examples/library.py FOLDER IMAGE")
folder, image = sys.argv[1:]
print(index(folder).images, "images")
for group in dedupe(folder, threshold=0.2).groups:
    print(group.kept.path, "<-", *(redundant.path for redundant in group.redundant))
print(query(image, k=3, folder=folder).hits)
print(encode([image]).shape)
