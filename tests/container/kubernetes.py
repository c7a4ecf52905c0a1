#!/usr/bin/python3
"""Looks at docker/kubernetes.yaml, and writes it as podman can run it.

kubernetes.py FILE PROBE: the command of that probe, a word on each line.
kubernetes.py FILE HOST=HOST KEY=SECRET_FILE...: the objects that podman knows, with another address of the
header's server, and as contents of the Secret those files. Ports stay within the Pod's network.
"""

import base64
import pathlib
import sys

import yaml


def look(objects):
    """What podman does not look at: that it is what the issue asks for, and that names meet."""
    deployment = objects["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    pod = deployment["template"]["spec"]
    container, = pod["containers"]
    secure = container["securityContext"]
    assert deployment["replicas"] == 1 and deployment["strategy"]["type"] == "Recreate"
    assert deployment["selector"]["matchLabels"] == labels
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10809
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert secure["allowPrivilegeEscalation"] is False and secure["readOnlyRootFilesystem"] is True
    assert secure["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container["resources"]["limits"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    for volume in pod["volumes"]:
        for kind, key, named in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName"),
                                 ("PersistentVolumeClaim", "persistentVolumeClaim", "claimName")):
            if key in volume:
                assert volume[key][named] == objects[kind]["metadata"]["name"], volume
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule["from"] and rule["ports"] for rule in policy["ingress"])
    assert all(rule["ports"] for rule in policy["egress"])
    service = objects["Service"]["spec"]
    assert service["selector"] == labels
    assert [port["targetPort"] for port in service["ports"]] == [port["name"] for port in container["ports"]]
    return container


def main():
    file, first, *secrets = sys.argv[1:]
    objects = {it["kind"]: it for it in yaml.safe_load_all(pathlib.Path(file).read_text())}
    container = look(objects)
    if "=" not in first:
        print("\n".join(container[first]["exec"]["command"]))
        return
    del container["ports"]
    config = objects["ConfigMap"]["data"]
    before, after = first.split("=")
    assert before in config["config.toml"]
    config["config.toml"] = config["config.toml"].replace(before, after)
    secret = objects["Secret"]
    given = dict(word.split("=", 1) for word in secrets)
    assert set(secret.pop("stringData")) == set(given)
    # podman does not know stringData.
    secret["data"] = {key: base64.b64encode(pathlib.Path(name).read_bytes()).decode() for key, name in given.items()}
    print(yaml.safe_dump_all(objects.values()))


if __name__ == "__main__":
    main()
