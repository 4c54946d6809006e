"""Takes a program out of the archives that it is in, which may lie in each other: unpack.py ARCHIVE NAME TARGET."""

import io
import pathlib
import sys
import tarfile
import zipfile

ARCHIVES = (".zip", ".tgz", ".whl")


def members(name, content):
    """The files within an archive, also within archives within it."""
    if name.endswith(".tgz"):
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = [(m.name, archive.extractfile(m).read()) for m in archive if m.isfile()]
    else:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [(i.filename, archive.read(i)) for i in archive.infolist() if not i.is_dir()]
    for file, inside in files:
        yield file, inside
        if file.endswith(ARCHIVES):
            yield from members(file, inside)


def main():
    archive, name, target = sys.argv[1:]
    for file, content in members(archive, pathlib.Path(archive).read_bytes()):
        if pathlib.PurePosixPath(file).name == name:
            pathlib.Path(target).write_bytes(content)
            pathlib.Path(target).chmod(0o755)
            return
    sys.exit(f"{archive} holds no {name}")


if __name__ == "__main__":
    main()
