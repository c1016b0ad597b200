# SPDX-License-Identifier: LGPL-2.1-or-later
"""What meson makes from svctl's table of commands, the registry and the schema."""

import json
import os
import re
import subprocess
from pathlib import Path

from svctlshell import start, svctl  # noqa: F401
from vm import BUILD, TOP

# pylint: disable=redefined-outer-name


def test_document_is_complete():
    text = (TOP / "docs" / "svctl.md").read_text()
    spec = json.loads((TOP / "svctl" / "svctl.json").read_text())
    for command in spec["commands"]:
        words = f"{command['name']} {command['arguments']}".strip().replace("|", "\\|")
        assert f"`{words}`" in text
    for option in spec["options"]:
        assert f"`-{option['short']}`" in text and f"--{option['long']}" in text
    for entry in spec["statuses"]:
        assert f"| {entry['status']} | {entry['doc']} |" in text


def test_manual_pages():
    for page, words in (("svctl/svctl.1", ["tree", "EXIT STATUS", "XDG_RUNTIME_DIR"]),
                        ("data/manual/stratovirt.1", ["virtio-blk-device", "poll-max-ns", "microvm", "kernel"])):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-Wbreak", "-Kutf8", "-P-c", BUILD / page], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == ""
        # Bold letters are printed twice.
        text = re.sub(".\b", "", done.stdout)
        for word in words:
            assert word in text, f"{page}: {word}"


def complete(script, words, env=None, path=None):
    """What bash would offer for the last word."""
    program = f"""
        source '{script}'
        COMP_WORDS=({' '.join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        _{Path(script).name}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    env = {**(env or os.environ), "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout.split()


def test_completion_of_svctl(svctl, start):
    client = start("a.qmp", "-name", "alpha", "-iothread", "id=io0").qmp()
    script = BUILD / "data" / "manual" / "svctl"

    def offered(*words):
        return complete(script, ["svctl", *words], svctl.env, BUILD / "svctl")
    assert offered("wa") == ["watch"] and "--json" in offered("--")
    assert offered("-n", "") == ["alpha"]
    assert offered("-n", "alpha", "get", "io") == ["io0"]
    assert offered("add", "virtio-blk-d") == ["virtio-blk-device"] and offered("add", "iot") == ["iothread"]
    assert sorted(offered("qmp", "")) == sorted(item["name"] for item in client.execute("query-commands"))


def test_completion_of_stratovirt():
    script = BUILD / "data" / "manual" / "stratovirt"
    assert complete(script, ["stratovirt", "-dev"]) == ["-device"]
    assert complete(script, ["stratovirt", "--dev"]) == ["--device"]
    assert complete(script, ["stratovirt", "-machine", "micro"]) == ["microvm"]
    assert "virtio-rng-pci" in complete(script, ["stratovirt", "-device", "virtio-rng"])
    assert complete(script, ["stratovirt", "-object", "iot"]) == ["iothread"]


def test_what_is_installed():
    done = subprocess.run(["meson", "introspect", "--installed", BUILD], capture_output=True, text=True, timeout=60)
    installed = json.loads(done.stdout).values()
    for end in ("/bin/svctl", "/man/man1/svctl.1", "/man/man1/stratovirt.1", "/bash-completion/completions/svctl",
                "/bash-completion/completions/stratovirt"):
        assert [path for path in installed if path.endswith(end)], end
