"""augnet from Python.  python examples/library.py FOLDER IMAGE"""

from __future__ import annotations

import sys

from augnet_cli import dedupe, encode, index, query

if len(sys.argv) != 3:
    sys.exit("usage: python examples/library.py FOLDER IMAGE")
folder, image = sys.argv[1:]
print(index(folder).images, "images")
for group in dedupe(folder).groups:
    for copy in group.redundant:
        print(group.kept.path, "<-", copy.path, *copy.verdict)
print(query(image, k=3, folder=folder).hits)
print(encode([image]).shape)
