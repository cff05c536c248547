"""Checks a tokenizer.json of ours against Python's `tokenizers`: both must give the same ids and the same text.

Usage: python check_tokenizer.py <tokenizer.json> <text file> <ids file, little-endian uint32>
Needs: pip install tokenizers
"""

import array
import sys

from tokenizers import Tokenizer


def main(tokenizer_path, text_path, ids_path):
    tokenizer = Tokenizer.from_file(tokenizer_path)
    with open(text_path, encoding="utf-8", newline="") as file:
        text = file.read()
    ours = array.array("I")
    with open(ids_path, "rb") as file:
        ours.frombytes(file.read())
    if sys.byteorder != "little":
        ours.byteswap()
    theirs = tokenizer.encode(text, add_special_tokens=False).ids

    for place, (got, expected) in enumerate(zip(ours, theirs)):
        if got != expected:
            sys.exit(
                f"different at token {place}: ours {got} {tokenizer.id_to_token(got)!r}, "
                f"theirs {expected} {tokenizer.id_to_token(expected)!r}"
            )
    if len(ours) != len(theirs):
        sys.exit(f"different counts: ours {len(ours)}, theirs {len(theirs)}")
    if tokenizer.decode(list(ours), skip_special_tokens=False) != text:
        sys.exit("the ids do not decode to the text")
    print(f"{len(ours)} ids equal")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
