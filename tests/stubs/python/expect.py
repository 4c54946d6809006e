"""Compares an answer with what the suite expects; `../README.md` says what each mark means."""

import re

NAME = re.compile(r"<([a-z0-9_]+)>")
MARK = re.compile(r"<(keep|not|has) (.+)>")


def fill(value, kept):
    """`value` with every `<name>` replaced by what was kept under that name."""
    if isinstance(value, dict):
        return {key: fill(each, kept) for key, each in value.items()}
    if isinstance(value, list):
        return [fill(each, kept) for each in value]
    if isinstance(value, str):
        return NAME.sub(lambda found: look_up(found[1], kept), value)
    return value


def look_up(name, kept):
    if name not in kept:
        raise LookupError(f"nothing was kept as {name}")
    return kept[name]


def difference(expected, found, kept, at="answer"):
    """What differs, as one line; None if nothing does. What the expectation keeps is put into `kept`."""
    if expected is None:
        return None if found is None else f"{at}: expected none, found {found!r}"
    if found is None:
        return f"{at}: expected {expected!r}, found none"
    if isinstance(expected, dict):
        return object_difference(expected, found, kept, at)
    if isinstance(expected, list):
        return list_difference(expected, found, kept, at)
    if isinstance(expected, str):
        return text_difference(expected, found, kept, at)
    same = type(expected) is type(found) and expected == found
    return None if same else f"{at}: expected {expected!r}, found {found!r}"


def object_difference(expected, found, kept, at):
    if not isinstance(found, dict):
        return f"{at}: expected an object, found {found!r}"
    if "<nothing else>" in expected and (more := sorted(found.keys() - expected.keys())):
        return f"{at}: found also {more}"
    for key, value in expected.items():
        if key != "<nothing else>" and (differs := difference(value, found.get(key), kept, f"{at}.{key}")):
            return differs
    return None


def list_difference(expected, found, kept, at):
    if not isinstance(found, list):
        return f"{at}: expected a list, found {found!r}"
    mark = expected[0] if expected and expected[0] in ("<each>", "<some>") else None
    if mark:
        return unordered_difference(expected[1:], found, kept, at, whole=mark == "<each>")
    if len(expected) != len(found):
        return f"{at}: expected {len(expected)} elements, found {len(found)}: {found!r}"
    for index, value in enumerate(expected):
        if differs := difference(value, found[index], kept, f"{at}[{index}]"):
            return differs
    return None


def unordered_difference(expected, found, kept, at, whole):
    if whole and len(expected) != len(found):
        return f"{at}: expected {len(expected)} elements, found {len(found)}: {found!r}"
    left = list(found)
    for value in expected:
        for index, candidate in enumerate(left):
            attempt = dict(kept)
            if difference(value, candidate, attempt) is None:
                kept.update(attempt)
                del left[index]
                break
        else:
            return f"{at}: no element is {value!r}; left are {left!r}"
    return None


def text_difference(expected, found, kept, at):
    if expected == "<any>":
        return None if found not in ("", [], {}) else f"{at}: expected a value, found {found!r}"
    if not isinstance(found, str):
        return f"{at}: expected {expected!r}, found {found!r}"
    mark = MARK.fullmatch(expected)
    word, rest = mark.groups() if mark else ("", "")
    if word == "keep":
        kept[rest] = found
        good = found != ""
    elif word == "not":
        good = found not in ("", look_up(rest, kept))
    elif word == "has":
        good = rest in found
    else:
        expected = fill(expected, kept)
        good = expected == found
    return None if good else f"{at}: expected {expected!r}, found {found!r}"
