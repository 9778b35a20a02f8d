"""The Helm chart, rendered and checked against the schemas of Kubernetes. It was not run on a cluster."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import msgspec
import pytest

from assay import __version__
from assay.core import Settings
from assay.store import Vault
from assay.store.vault import read_key
from tests.deploy.chart import CHART, Templates, render

LEAST: dict[str, Any] = {"image": {"repository": "registry.example/assay"}}
ALL = LEAST | {
    "publicUrl": "https://assay.example.org",
    "workers": 2,
    "drainSeconds": 300,
    "config": '[aliases]\nfast = "openai/gpt-4o"  # "quoted" 試金\n',
    "providerKeys": [{"name": "OPENAI_API_KEY", "secretName": "providers", "secretKey": "openai"}],
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "imagePullSecrets": [{"name": "registry"}],
    "autoscaling": {"enabled": True},
    "networkPolicy": {"enabled": True, "from": [{"podSelector": {}}], "extraEgress": [{"ports": [{"port": 8000}]}]},
    "serviceMonitor": {"enabled": True, "tokenSecretName": "metrics"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "ml"},
    "service": {"annotations": {"a": "b"}},
    "serviceAccount": {"annotations": {"a": "b"}},
}
VERSIONS = ("1.27", "1.32", kubernetes_validate.latest_version())


def documents(values: dict[str, Any]) -> dict[str, Any]:
    """Every document by its kind."""
    return {document["kind"]: document for name, found in render(values).items() if name.endswith(".yaml") for document in found}


def pod(values: dict[str, Any]) -> Any:
    return documents(values)["Deployment"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [LEAST, ALL], ids=["least", "all"])
def test_every_document_is_what_kubernetes_wants(values: dict[str, Any], version: str) -> None:
    found = documents(values)
    for kind, document in found.items():
        if kind != "ServiceMonitor":  # of the Prometheus operator, not of Kubernetes
            kubernetes_validate.validate(document, version, strict=True)
    least = {"ConfigMap", "Deployment", "PodDisruptionBudget", "Service", "ServiceAccount"}
    assert found.keys() - least == ({"HorizontalPodAutoscaler", "NetworkPolicy", "ServiceMonitor"} if values is ALL else set())


@pytest.mark.parametrize(
    "values",
    [
        {},
        LEAST | {"replicaCont": 3},
        LEAST | {"workers": -1},
        LEAST | {"serviceMonitor": {"enabled": True}},
        LEAST | {"publicUrl": "x"},
    ],
)
def test_values_that_mean_nothing_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(jsonschema_rs.ValidationError):
        render(values)


def test_every_setting_that_the_chart_gives_is_one_and_what_it_names_is_mounted() -> None:
    spec = pod(ALL)
    (container,) = spec["containers"]
    variables = {entry["name"]: entry.get("value") for entry in container["env"]}
    names = {name.removeprefix("ASSAY_").lower() for name in variables if name.startswith("ASSAY_")} - {"config"}
    assert names <= {field.name for field in msgspec.structs.fields(Settings)}
    mounted = tuple(mount["mountPath"] for mount in container["volumeMounts"])
    assert [value for value in variables.values() if value and value.startswith("/") and not value.startswith(mounted)] == []
    volumes = {volume["name"] for volume in spec["volumes"]}
    for one in (*spec["initContainers"], container):
        assert {mount["name"] for mount in one["volumeMounts"]} <= volumes


def test_the_configuration_arrives_as_it_was_written_and_another_one_makes_other_pods() -> None:
    found = documents(ALL)
    assert tomllib.loads(found["ConfigMap"]["data"]["assay.toml"]) == {"aliases": {"fast": "openai/gpt-4o"}}
    sums = [
        documents(values)["Deployment"]["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for values in (ALL, LEAST)
    ]
    assert sums[0] != sums[1]


def test_a_pod_stops_later_than_its_answers_may_take_and_none_is_missing_meanwhile() -> None:
    spec = pod(ALL)
    (container,) = spec["containers"]
    pause_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert spec["terminationGracePeriodSeconds"] > 300 + pause_s
    assert documents(LEAST)["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_no_container_may_more_than_it_must_and_no_secret_is_in_any_document() -> None:
    spec = pod(ALL)
    assert spec["securityContext"]["runAsNonRoot"] is True
    for container in (*spec["initContainers"], *spec["containers"]):
        bounds = container["securityContext"]
        assert (bounds["readOnlyRootFilesystem"], bounds["allowPrivilegeEscalation"]) == (True, False)
        assert bounds["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
    given = [entry for entry in spec["containers"][0]["env"] if re.search("KEY$|DATABASE$|PASSWORD$", entry["name"])]
    assert [entry["name"] for entry in given if "valueFrom" not in entry] == ["ASSAY_MASTER_KEY"]  # the path of a file
    assert "Secret" not in documents(ALL)


def test_the_keys_of_the_secret_become_files_that_assay_takes(tmp_path: Path) -> None:
    """What the first container runs, on folders here: Kubernetes mounts a Secret as links, readable by the group."""
    (container,) = pod(LEAST)["initContainers"]
    mounted, own = tmp_path / "run", tmp_path / "own"
    (mounted / "..data").mkdir(parents=True)
    own.mkdir(mode=0o777)
    for name in ("master.key", "master.key.next"):
        (mounted / "..data" / name).write_bytes(os.urandom(32))
        (mounted / "..data" / name).chmod(0o440)
        (mounted / name).symlink_to(f"..data/{name}")
    script = container["command"][-1].replace("/run/assay-key", str(mounted)).replace("/var/lib/assay/key", str(own))
    subprocess.run(["sh", "-ec", script], check=True)
    vault = Vault.open(own / "own" / "master.key")
    assert Vault.beside(vault.key_file, Vault(read_key(own / "own" / "master.key.next"), tmp_path).fingerprint) is not None


def test_what_the_renderer_does_not_know_is_an_error() -> None:
    templates = Templates({"Values": {"a": 1}})
    for text in (
        "{{ .Values.b }}",
        "{{ lookup 1 }}",
        "{{ $x := 1 }}",
        "{{ if .Values.a }}",
        "{{ end }}",
        "{{ .Values }}",
        "{{ .Values.a 2 }}",
    ):
        with pytest.raises((ValueError, KeyError)):
            templates.render(text)


def test_the_chart_is_of_this_version_and_says_that_it_was_not_run() -> None:
    assert f'appVersion: "{__version__}"' in (CHART / "Chart.yaml").read_text()
    assert "have not run it on a cluster" in render(LEAST)["NOTES.txt"][0]
