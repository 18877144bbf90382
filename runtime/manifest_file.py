"""`manifest.json`: its one writer, and how it is read back."""

from orch.dsl.json_codec import decode_json
from orch.runtime.files import read_file, replace_file_by_parts, utf8
from orch.runtime.manifest import (
    Manifest,
    ManifestFormatError,
    WholeEntries,
    manifest_from_json,
)
from orch.runtime.paths import RunPaths


class RunManifestWriter:
    """The one writer of `manifest.json`."""

    def __init__(self, paths: RunPaths) -> None:
        self._path = paths.manifest

    def write(self, manifest: Manifest, whole: WholeEntries = iter) -> None:
        """Replace the file, durably; `whole` as in `json_parts`. Raises `StorageError`, and what
        `whole` does."""
        replace_file_by_parts(self._path, map(utf8, manifest.json_parts(whole)))


def read_manifest(path: str) -> Manifest | None:
    """The manifest in a file, None where there is none.

    Raises `StorageError` and `ManifestFormatError`.
    """
    data = read_file(path)
    if data is None:
        return None
    try:
        return manifest_from_json(decode_json(data))
    except (ValueError, RecursionError) as error:
        raise ManifestFormatError(f"{path} is not a manifest: {error}") from None
