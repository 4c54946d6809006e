"""Finishes the bill of materials of a program, as CycloneDX JSON: sbom.py PROGRAM <FOUND >BILL.

`cargo cyclonedx` finds all that the lock file would bring with some feature or on some platform. Here that is cut down to what
`cargo tree` says of this program, none of which may be missing; where the sources lay is taken out; and the result must match the schema
of CycloneDX.
"""

import json
import pathlib
import re
import subprocess
import sys

import cyclonedx.schema
import jsonschema_rs

SCHEMAS = pathlib.Path(cyclonedx.schema.__file__).parent / "_res"
# The address under which the schemas name each other.
BASE = "http://cyclonedx.org/schema/"


def built(program):
    """Name and version of every crate that goes into the program, or runs while it is compiled and writes a part of it."""
    tree = ["cargo", "tree", "--locked", "--package", program, "--edges", "normal", "--prefix", "none", "--format", "{p}"]
    lines = subprocess.run(tree, check=True, capture_output=True, text=True).stdout.splitlines()
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in lines if line)}


def narrowed(bill, crates):
    """The bill with those crates alone."""
    known = {part["bom-ref"]: (part["name"], part["version"]) for part in [bill["metadata"]["component"], *bill["components"]]}
    missing = crates - set(known.values())
    if missing:
        sys.exit(f"sbom: expected every crate of the program, but these are missing: {sorted(missing)}")
    bill["components"] = [part for part in bill["components"] if known[part["bom-ref"]] in crates]
    bill["dependencies"] = [
        {"ref": edge["ref"], "dependsOn": [ref for ref in edge.get("dependsOn", []) if known[ref] in crates]}
        for edge in bill["dependencies"]
        if known[edge["ref"]] in crates
    ]
    return bill


def portable(text):
    """Without the folder of the sources, which is another on each machine."""
    text = re.sub(r"\?download_url=file:[^\"]*", "", text)
    return text.replace(f"path+file://{pathlib.Path.cwd()}/", "")


def complaints(bill):
    """What the schema says against it, one line each."""
    schemas = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")}
    registry = jsonschema_rs.Registry([(BASE + name, schema) for name, schema in schemas.items()])
    schema = schemas[f"bom-{bill['specVersion']}.SNAPSHOT.schema.json"]
    validator = jsonschema_rs.validator_for(schema, registry=registry, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(bill)]


def main():
    (program,) = sys.argv[1:]
    bill = json.loads(portable(sys.stdin.read()))
    found = complaints(narrowed(bill, built(program)))
    if found:
        sys.exit("\n".join([f"sbom: the bill of {program} is not CycloneDX {bill['specVersion']}", *found]))
    json.dump(bill, sys.stdout, separators=(",", ":"))


if __name__ == "__main__":
    main()
