"""Changes to the bytes of a payload that no publisher would make, each drawn from a seeded dice."""

from __future__ import annotations

import io
import json
import zipfile

ODD_VALUES = [
    None,
    True,
    -1,
    0,
    10**25,
    1e308,
    "",
    "NA",
    "..",
    "<html>",
    "9" * 5000,
    [],
    {},
    [[]],
    {"value": {}},
    "\u0000",
]
ODD_BYTES = [
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b'"',
    b",",
    b"\n",
    b"{",
    b"]",
    b"1e999",
    b"NaN",
    b"<!DOCTYPE x>",
    b"\xd0",
]


def flipped(content, dice):
    body = bytearray(content)
    for _ in range(dice.randint(1, 8)):
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
    return bytes(body)


def truncated(content, dice):
    return content[: dice.randrange(len(content))]


def inserted(content, dice):
    place = dice.randrange(len(content))
    return content[:place] + dice.choice(ODD_BYTES) * dice.randint(1, 3) + content[place:]


def doubled(content, dice):
    start = dice.randrange(len(content))
    span = content[start : start + dice.randint(1, 200)]
    return content[: start + len(span)] + span + content[start + len(span) :]


def cut_out(content, dice):
    start = dice.randrange(len(content))
    return content[:start] + content[start + dice.randint(1, 100) :]


def places(value, found):
    if isinstance(value, dict):
        for key in value:
            found.append((value, key))
            places(value[key], found)
    elif isinstance(value, list):
        for k in range(len(value)):
            found.append((value, k))
            places(value[k], found)
    return found


def retyped(content, dice):
    """JSON with one value of another kind, or a member dropped or doubled; other content is flipped."""
    try:
        root = json.loads(content.decode("utf-8-sig"))
    except ValueError:
        return flipped(content, dice)
    holder, key = dice.choice(places(root, []))
    kind = dice.random()
    if kind < 0.6:
        holder[key] = dice.choice(ODD_VALUES)
    elif kind < 0.8:
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[f"{key} "] = holder[key]
    return json.dumps(root, ensure_ascii=False).encode()


def repacked(content, dice):
    """A workbook with one member mutated inside an intact zip; other content is retyped."""
    if not content.startswith(b"PK"):
        return retyped(content, dice)
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        members = {name: given.read(name) for name in given.namelist()}
    name = dice.choice([n for n in sorted(members) if "sheet" in n or "workbook" in n or "shared" in n])
    members[name] = dice.choice([flipped, truncated, inserted, doubled, cut_out])(members[name], dice)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, body in members.items():
            archive.writestr(zipfile.ZipInfo(member, (2026, 1, 1, 0, 0, 0)), body)
    return out.getvalue()


MUTATE = [flipped, truncated, inserted, doubled, cut_out, retyped, retyped, repacked, repacked]
