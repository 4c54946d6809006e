"""The schemas that rendered manifests must match, strictly: a field that Kubernetes does not know is an error here, where the API server
would drop it with a warning.

Kubernetes' own kinds come with the package `kubernetes-validate`, for each version. Kinds of operators come from the custom resource
definitions that the operators publish, closed here against unknown fields: the API server would drop those.
"""

import jsonschema
import kubernetes_validate
import yaml


class Schemas:
    """What validates a manifest, of one version of Kubernetes."""

    def __init__(self, version, definitions):
        self.version = version
        self.custom = {}
        for path in definitions:
            definition = yaml.safe_load(path.read_text())["spec"]
            for served in definition["versions"]:
                key = (f"{definition['group']}/{served['name']}", definition["names"]["kind"])
                self.custom[key] = jsonschema.Draft202012Validator(_closed(served["schema"]["openAPIV3Schema"], top=True))

    def complaints(self, manifest):
        """What is wrong with a manifest, one line each."""
        key = (manifest.get("apiVersion"), manifest.get("kind"))
        if key in self.custom:
            return [f"{e.json_path}: {e.message}" for e in self.custom[key].iter_errors(manifest)]
        try:
            kubernetes_validate.validate(manifest, self.version, strict=True)
        except kubernetes_validate.ValidationError as error:
            return [f"{error.json_path}: {error.message}"]
        except kubernetes_validate.SchemaNotFoundError as error:
            return [error.message]
        return []


def _closed(schema, top=False):
    """The schema, which takes no property beside those that it names. The top names no properties of `metadata`: Kubernetes does."""
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items() if key not in ("properties", "description")}
    if "properties" in schema:
        closed["properties"] = {
            name: value if top and name == "metadata" else _closed(value) for name, value in schema["properties"].items()
        }
        if "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed["additionalProperties"] = False
    return closed
