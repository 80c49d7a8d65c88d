"""Reads PROV-JSON from standard input with the `prov` package, and says what is in it.

python3 check.py [--entities N] [--activities N] [--agents N]: at least so many of each. Exits 1 on any trouble.
"""

import argparse
import sys

import prov.model as model


def main() -> int:
    parser = argparse.ArgumentParser()
    for kind in ("entities", "activities", "agents"):
        parser.add_argument(f"--{kind}", type=int, default=1)
    least = parser.parse_args()

    text = sys.stdin.read()
    try:
        document = model.ProvDocument.deserialize(content=text, format="json")
    except Exception as error:
        print(f"not read: {type(error).__name__}: {error}", file=sys.stderr)
        return 1

    found = {
        "entities": {e.identifier for e in document.get_records(model.ProvEntity)},
        "activities": {a.identifier for a in document.get_records(model.ProvActivity)},
        "agents": {a.identifier for a in document.get_records(model.ProvAgent)},
    }
    trouble = []
    for kind, identifiers in found.items():
        if len(identifiers) < getattr(least, kind):
            trouble.append(f"{len(identifiers)} {kind}, expected at least {getattr(least, kind)}")

    known = set().union(*found.values())
    relations = [r for r in document.get_records() if isinstance(r, model.ProvRelation)]
    for relation in relations:
        for _, value in relation.formal_attributes:
            if isinstance(value, model.QualifiedName) and value not in known:
                trouble.append(f"{relation.get_type()} names {value}, which is not there")
    for activity in document.get_records(model.ProvActivity):
        start, end = activity.get_startTime(), activity.get_endTime()
        if start is None:
            trouble.append(f"{activity.identifier} has no start")
        elif end is not None and end < start:
            trouble.append(f"{activity.identifier} ends before it starts")

    # What was read and is written again says the same.
    again = model.ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    if again != document:
        trouble.append("the document does not survive being written and read again")
    if ":" in text and not document.serialize(format="provn").startswith("document"):
        trouble.append("the document cannot be written as PROV-N")

    for line in trouble[:20]:
        print(line, file=sys.stderr)
    counts = ", ".join(f"{len(identifiers)} {kind}" for kind, identifiers in found.items())
    print(f"{counts}, {len(relations)} relations")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main())
