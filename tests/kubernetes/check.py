"""Holds the manifests to the schemas of Kubernetes, and to what an operator is promised of them."""

import argparse
import copy
import glob
import json
import os
import shutil
import subprocess
import tomllib

import kubernetes_validate
import yaml

from parts import Verdict, read

VERSION = "1.34"
FOLDERS = ("shared", "sidecar", "monitoring")
# The Prometheus operator's own, whose schemas are not among those of Kubernetes.
OPERATOR = "monitoring.coreos.com/v1"


class Promises(Verdict):
    """Also compares, and tells what was found."""

    def equal(self, what, found, wanted):
        self.check(what, found == wanted, f"{found!r} is not {wanted!r}")


def documents(folder):
    """What kustomize makes of a folder, or else the files in it."""
    if shutil.which("kubectl"):
        made = subprocess.run(["kubectl", "kustomize", folder], check=True, capture_output=True, text=True)
        return list(yaml.safe_load_all(made.stdout))
    files = [file for file in glob.glob(f"{folder}/*.yaml") if not file.endswith("kustomization.yaml")]
    return [document for file in sorted(files) for document in yaml.safe_load_all(read(file))]


def settings(folder):
    with open(f"{folder}/config.toml", "rb") as file:
        return tomllib.load(file)


def complaint(document):
    """What the schema of its kind has against a document; unknown fields count, except in the operator's."""
    if document["apiVersion"] == OPERATOR:
        script = os.path.join(os.environ["OPERATOR_CHECK"], "operator.mjs")
        told = subprocess.run(["node", script], input=json.dumps(document), check=True, capture_output=True, text=True)
        return told.stdout.strip() or None
    try:
        kubernetes_validate.validate(document, VERSION, strict=True)
        return None
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return str(error)


def of_kind(found, kind):
    return next(document for document in found if document["kind"] == kind)


def seconds(text):
    assert text.endswith("s"), text
    return int(text[:-1])


def schemas(verdict, folder, found):
    for document in found:
        why = complaint(document)
        verdict.check(f"{folder}: {document['kind']} fits its schema", why is None, why)


def strictness(verdict, deployment):
    """The schemas notice a field that does not exist, and a wrong type."""
    for field, value in (("readOnlyRootFs", True), ("readOnlyRootFilesystem", "yes")):
        wrong = copy.deepcopy(deployment)
        wrong["spec"]["template"]["spec"]["containers"][0]["securityContext"][field] = value
        verdict.check(f"the schemas notice {field}: {value}", complaint(wrong))


def proxy(verdict, folder, pod, container, config):
    """What both ways of running promise."""
    def equal(what, found, wanted):
        verdict.equal(f"{folder}: {what}", found, wanted)

    context = pod["securityContext"]
    equal("runAsNonRoot", context["runAsNonRoot"], True)
    equal("user and group", (context["runAsUser"], context["runAsGroup"]), (65532, 65532))
    equal("seccomp", context["seccompProfile"], {"type": "RuntimeDefault"})
    equal("what the container may", container["securityContext"], {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    })
    equal("no token of the cluster", pod["automountServiceAccountToken"], False)
    # Otherwise NOVA_GLANCE_PROXY_PORT and the like of a Service with this name are in the environment.
    equal("no variables of Services", pod["enableServiceLinks"], False)
    equal("resources", container["resources"], {
        "requests": {"cpu": "100m", "memory": "64Mi"},
        "limits": {"memory": "512Mi"},
    })
    equal("memory of sorted lists", config["nova"]["max_scan_bytes_total"], "128MiB")
    equal("liveness", container["livenessProbe"], {
        "httpGet": {"path": "/live", "port": "admin"}, "periodSeconds": 10, "failureThreshold": 3,
    })
    equal("readiness", container["readinessProbe"], {
        "httpGet": {"path": "/ready", "port": "admin"}, "periodSeconds": 2, "failureThreshold": 2,
    })
    verdict.check(f"{folder}: no preStop", "lifecycle" not in container)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    equal("port of the admin listener", config["admin"][0]["address"], f"0.0.0.0:{ports['admin']}")
    equal("what the admin listener serves", config["admin"][0].get("serves"), None)
    drain = config.get("timeouts", {}).get("drain", {})
    lasts = seconds(drain.get("min", "0s")) + seconds(drain.get("max", "30s"))
    verdict.check(f"{folder}: draining ends before the pod is killed", lasts + 10 <= pod["terminationGracePeriodSeconds"])
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    verdict.check(f"{folder}: mounts change", not any("subPath" in mount for mount in mounts.values()))
    verdict.check(f"{folder}: mounts cannot be written", all(mount["readOnly"] for mount in mounts.values()))
    verdict.check(
        f"{folder}: the configuration is where the program looks for it",
        any(mount["mountPath"] == "/etc/nova-glance-proxy" for mount in mounts.values()),
    )


def shared(verdict, found, config):
    deployment = of_kind(found, "Deployment")
    spec = deployment["spec"]
    pod = spec["template"]["spec"]
    container, = pod["containers"]
    labels = spec["template"]["metadata"]["labels"]
    proxy(verdict, "shared", pod, container, config)
    strictness(verdict, deployment)
    verdict.equal("a rollout takes no replica away", spec["strategy"]["rollingUpdate"]["maxUnavailable"], 0)
    verdict.check("the autoscaler alone sets the replicas", "replicas" not in spec)
    spread, = pod["topologySpreadConstraints"]
    verdict.equal("spread over nodes", spread["topologyKey"], "kubernetes.io/hostname")
    verdict.equal("time to drain", (pod["terminationGracePeriodSeconds"], config["timeouts"]["drain"]["min"]), (50, "10s"))
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    verdict.equal("port of the API", config["listen"][0]["address"], f"0.0.0.0:{ports['nova']}")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    verdict.equal("a Secret that need not exist", volumes["tls"]["secret"]["optional"], True)

    service = of_kind(found, "Service")["spec"]
    budget = of_kind(found, "PodDisruptionBudget")["spec"]
    network = of_kind(found, "NetworkPolicy")["spec"]
    for what, selector in (
        ("Service", service["selector"]),
        ("PodDisruptionBudget", budget["selector"]["matchLabels"]),
        ("NetworkPolicy", network["podSelector"]["matchLabels"]),
        ("Deployment", spec["selector"]["matchLabels"]),
        ("spread", spread["labelSelector"]["matchLabels"]),
    ):
        verdict.check(f"{what} selects the pods", selector.items() <= labels.items(), selector)
    verdict.equal("one replica stays", budget["minAvailable"], 1)
    verdict.check("the Service's port is one of the pod", all(port["targetPort"] in ports for port in service["ports"]))

    scaler = of_kind(found, "HorizontalPodAutoscaler")["spec"]
    verdict.equal("replicas", (scaler["minReplicas"], scaler["maxReplicas"]), (2, 6))
    verdict.equal("scales the Deployment", scaler["scaleTargetRef"]["name"], deployment["metadata"]["name"])
    verdict.equal("scales by CPU", scaler["metrics"][0]["resource"]["target"]["averageUtilization"], 70)
    verdict.equal("scales down slowly", scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"], 300)

    rules = {rule["ports"][0]["port"]: rule["from"] for rule in network["ingress"]}
    verdict.equal("the API is for the cluster", rules["nova"], [{"namespaceSelector": {}}])
    monitoring = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    verdict.equal("metrics are for Prometheus", rules["admin"], [{"namespaceSelector": monitoring}])
    return pod, labels


def sidecar(verdict, found, config):
    template = of_kind(found, "Deployment")["spec"]["template"]
    pod = template["spec"]
    container, = pod["initContainers"]
    proxy(verdict, "sidecar", pod, container, config)
    verdict.equal("goes on beside the client", container["restartPolicy"], "Always")
    verdict.equal("the client waits for it", container["startupProbe"]["httpGet"], {"path": "/ready", "port": "admin"})
    verdict.equal("the API is for the pod", config["listen"][0]["address"], "127.0.0.1:8774")
    client, = pod["containers"]
    verdict.check("the client asks it", any("127.0.0.1:8774" in entry["value"] for entry in client["env"]))
    return template["metadata"]["labels"], container


def monitoring(verdict, found, pods, deploy):
    wrong = copy.deepcopy(of_kind(found, "PodMonitor"))
    wrong["spec"]["podMetricsEndpoints"][0]["port"] = 9774
    verdict.check("the operator's schema notices a wrong type", complaint(wrong))
    monitor = of_kind(found, "PodMonitor")["spec"]
    endpoint, = monitor["podMetricsEndpoints"]
    for what, labels, ports in pods:
        verdict.check(f"the PodMonitor selects the pods of {what}", monitor["selector"]["matchLabels"].items() <= labels.items())
        verdict.check(f"the PodMonitor's port is one of {what}", endpoint["port"] in [port["name"] for port in ports])
        # The alerts name this job.
        verdict.equal(f"the job of {what}", labels[monitor["jobLabel"]], "nova-glance-proxy")
    verdict.equal("path of the metrics", endpoint["path"], "/metrics")
    verdict.equal("every namespace", monitor["namespaceSelector"], {"any": True})
    alerts = yaml.safe_load(read(f"{deploy}/prometheus/alerts.yaml"))
    verdict.equal("the alerts are those for Prometheus", of_kind(found, "PrometheusRule")["spec"], alerts)
    if shutil.which("kubectl"):
        dashboard = of_kind(found, "ConfigMap")
        verdict.equal("what Grafana looks for", dashboard["metadata"]["labels"], {"grafana_dashboard": "1"})
        name = "nova-glance-proxy.json"
        verdict.equal("the dashboard", dashboard["data"][name], read(f"{deploy}/grafana/{name}"))


def write_rule(deploy):
    """Wraps the alerts in the resource of the Prometheus operator."""
    groups = read(f"{deploy}/prometheus/alerts.yaml").split("groups:\n", 1)[1]
    indented = "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(keepends=True))
    with open(f"{deploy}/kubernetes/monitoring/prometheusrule.yaml", "w") as out:
        out.write(
            "# Made of deploy/prometheus/alerts.yaml by tests/kubernetes/run --write.\n"
            "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: nova-glance-proxy\n"
            f"spec:\n  groups:\n{indented}"
        )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--deploy", required=True)
    parser.add_argument("--write", action="store_true", help="make monitoring/prometheusrule.yaml anew")
    options = parser.parse_args()
    if options.write:
        write_rule(options.deploy)
    if not shutil.which("kubectl"):
        print("no kubectl: the files are checked as they are, and not what kustomize makes of them")
    folders = {name: os.path.join(options.deploy, "kubernetes", name) for name in FOLDERS}
    found = {name: documents(folder) for name, folder in folders.items()}
    verdict = Promises()
    for name, of_folder in found.items():
        schemas(verdict, name, of_folder)
    pod, labels = shared(verdict, found["shared"], settings(folders["shared"]))
    client_labels, container = sidecar(verdict, found["sidecar"], settings(folders["sidecar"]))
    pods = [("shared", labels, pod["containers"][0]["ports"]), ("sidecar", client_labels, container["ports"])]
    monitoring(verdict, found["monitoring"], pods, options.deploy)
    verdict.end()


main()
