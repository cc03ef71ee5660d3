"""augnet from Python.  python examples/library.py FOLDER IMAGE"""

from __future__ import annotations

import sys

from augnet_cli import AugnetError, dedupe, encode, index, query


def main(folder: str, image: str) -> None:
    print(index(folder).images, "images")
    for group in dedupe(folder).groups:
        for copy in group.redundant:
            print(group.kept.path, "<-", copy.path, *copy.verdict)
    print(query(image, k=3, folder=folder).hits)
    print(encode([image]).shape)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/library.py FOLDER IMAGE")
    try:
        main(*sys.argv[1:])
    except AugnetError as error:  # a folder that is missing, a picture that can't be read, ...
        sys.exit(f"{error.what}\n  hint: {error.hint}")
