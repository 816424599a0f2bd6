# SPDX-License-Identifier: Apache-2.0
"""The reader of Go executables, against what Go's own tools say of the same program before it was stripped."""
import os
import re
import subprocess

import pytest

from conftest import require
from harness import parents, servers

READER = parents.E2E.parents[1] / "build/tests/e2e/tools/go_functions"
ENGINE = "github.com/compozy/compozy/engine/"
FUNCTIONS = [ENGINE + name for name in (
    "workflow/router.waitForWorkflowCompletion",
    "infra/postgres.(*WorkflowRepo).GetState",
    "infra/sqlite.(*WorkflowRepo).GetState",
    "runtime.(*BunManager).ExecuteToolWithTimeout",
)]
# The forms in which servers are built: environment, build mode, the linker's flags.
FORMS = {
    "exe": ({"CGO_ENABLED": "0"}, "exe", ""),
    "pie": ({"CGO_ENABLED": "0"}, "pie", ""),
    "external": ({"CGO_ENABLED": "1"}, "exe", "-linkmode=external"),
    "external-pie": ({"CGO_ENABLED": "1"}, "pie", "-linkmode=external"),
    "arm64": ({"CGO_ENABLED": "0", "GOARCH": "arm64"}, "exe", ""),
}
# A small program: all of what it needs is compiled anew for each form.
SMALL = """package main

import "fmt"

//go:noinline
func work(a string, n int) (bool, error) {
	if n > 3 {
		return true, fmt.Errorf("no %s", a)
	}
	fmt.Println(a)
	return false, nil
}

func main() { fmt.Println(work("a", 2)) }
"""
# The first whose table is as it is today, and the last that had the text's start in its header.
TOOLCHAINS = (("go1.18.10", "exe"), ("go1.25.0", "exe"), ("go1.25.0", "pie"))
BUILD_SECONDS = 300


def build(directory, output, environment, mode, linker):
    command = [require("go"), "build", "-o", output, f"-buildmode={mode}", f"-ldflags={linker}", "."]
    return subprocess.run(command, cwd=directory, timeout=BUILD_SECONDS, capture_output=True, text=True, check=False,
                          env={**os.environ, "GOFLAGS": "-mod=mod -buildvcs=false", **environment})


def read(path, names):
    """{name: (entry, body, returns)}, file offsets."""
    output = subprocess.run([READER, path, *names], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in output.splitlines():
        # Names have no blanks.
        name, entry, body, *returns = line.split(" ")
        found[name] = (int(entry, 16), int(body, 16), [int(word, 16) for word in returns])
    return found


def truth(path, name):
    """(entry, addresses behind the branch to morestack's call, returns), as go tool objdump has them."""
    pattern = "^" + re.escape(name) + "$"
    lines = subprocess.run([require("go"), "tool", "objdump", "-s", pattern, path], capture_output=True, text=True,
                           check=True).stdout.splitlines()[1:]
    code = [(int(words[1], 16), words[3]) for words in (line.split() for line in lines) if len(words) > 3]
    branch = next(i for i, (_, mnemonic) in enumerate(code) if mnemonic in ("JBE", "BLS"))
    return code[0][0], code[branch + 1][0], [address for address, mnemonic in code if mnemonic == "RET"]


def segment_offset(path, address):
    """Where an address is in the file, by readelf."""
    headers = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
    for offset, start, size in re.findall(r"LOAD\s+(0x\w+) (0x\w+) 0x\w+ (0x\w+)", headers):
        if int(start, 16) <= address < int(start, 16) + int(size, 16):
            return address - int(start, 16) + int(offset, 16)
    raise AssertionError(f"{address:#x} is in no segment of {path}")


def check_symbols(path, names):
    found = read(path, names)
    for name in names:
        entry, body, returns = truth(path, name)
        assert found[name] == (segment_offset(path, entry), segment_offset(path, body),
                               [segment_offset(path, address) for address in returns]), name
    return found


def check(directory, environment, mode, linker):
    """The same program, as Go's tools see it with its symbols, and as the reader does, with and without."""
    output, names = directory / "small", ["main.main", "main.work"]
    (directory / "go.mod").write_text("module small\n\ngo 1.18\n")
    (directory / "main.go").write_text(SMALL)
    built = build(directory, output, environment, mode, linker)
    assert built.returncode == 0, built.stderr
    found = check_symbols(output, names)
    assert build(directory, output, environment, mode, linker + " -s -w").returncode == 0
    assert read(output, names) == found


@pytest.mark.parametrize("form", FORMS)
def test_every_form(form, tmp_path):
    environment, mode, linker = FORMS[form]
    if environment["CGO_ENABLED"] == "1":
        require("gcc")
    check(tmp_path, {**environment, "GOTOOLCHAIN": "local"}, mode, linker)


def test_server():
    """Its functions, among some thousand; and as releases are built."""
    if not servers.GO_SERVER.exists():
        pytest.skip("the Go server is not built: go is not installed")
    check_symbols(servers.GO_SERVER_SYMBOLS, FUNCTIONS)
    assert set(read(servers.GO_SERVER, FUNCTIONS)) == set(FUNCTIONS)
    assert read(servers.GO_SERVER, [ENGINE + "core.none"]) == {}


@pytest.mark.parametrize("toolchain, mode", TOOLCHAINS)
def test_older_toolchains(toolchain, mode, tmp_path):
    environment = {"CGO_ENABLED": "0", "GOTOOLCHAIN": toolchain}
    had = subprocess.run([require("go"), "version"], cwd=tmp_path, env={**os.environ, **environment},
                         capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    if had.returncode != 0:
        pytest.skip(f"{toolchain} cannot be had: {had.stderr.strip().splitlines()[-1]}")
    check(tmp_path, environment, mode, "")


def test_other_programs_are_refused(tmp_path):
    for path, wanted in (("/bin/true", "No such file"), (READER, "No such file"), (__file__, "Exec format error")):
        refused = subprocess.run([READER, path, "main.main"], capture_output=True, text=True, check=False)
        assert refused.returncode == 1 and wanted in refused.stderr
