# SPDX-License-Identifier: Apache-2.0
"""The Debian package: clean for lintian; installs, runs, upgrades, purges in a small Debian of the test's own."""
import os
import re
import shutil
import subprocess
import zlib

import pytest

from conftest import require
from harness.agent import REPOSITORY, Agent

PACKAGE = "bunscope"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def package():
    require("dh")
    require("dpkg-buildpackage")
    run("make", "-C", REPOSITORY, "--no-print-directory", "deb")
    return max((REPOSITORY / "build/deb").glob("bunscope_*.deb"), key=os.path.getmtime)


def test_lintian_finds_nothing(package):
    lintian = require("lintian")
    changes = next(package.parent.glob("*.changes"))
    done = subprocess.run([lintian, "--fail-on", "warning", "--allow-root", changes], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def depends(package):
    """Names of the packages that it needs."""
    return re.findall(r"([a-z0-9.+-]+)(?: \([^)]*\))?(?:,|$)", run("dpkg-deb", "-f", package, "Depends").strip())


@pytest.fixture(scope="module")
def base(package):
    """A small Debian with what the package depends on, made once for each set of these."""
    require("debootstrap")
    packages = ",".join(depends(package))
    path = REPOSITORY / f"build/debian-{zlib.crc32(packages.encode()):08x}.tar"
    if not path.exists():
        done = subprocess.run([REPOSITORY / "scripts/debian-root", path, packages],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no Debian root could be made: {done.stderr.strip()}")
    return path


@pytest.fixture
def root(base, tmp_path):
    """A Debian without the package; the test may change it."""
    path = tmp_path / "root"
    path.mkdir()
    run("tar", "-C", path, "-xf", base)
    return path


def in_root(root, *command):
    return run("chroot", root, *command, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"})


def install(root, package):
    shutil.copy(package, root / "tmp/package.deb")
    # As docs/installing.md says it; what it depends on is there, so nothing is fetched.
    return in_root(root, "apt-get", "install", "--yes", "-o", "Dpkg::Options::=--force-confold", "/tmp/package.deb")


def newer(package, directory):
    """The same as a later version, whose configuration file differs."""
    tree = directory / "newer"
    run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 99.0", control.read_text(), flags=re.M))
    with open(tree / "etc/bunscope/bunscope.yml", "a", encoding="ascii") as file:
        file.write("# new\n")
    run("dpkg-deb", "--root-owner-group", "-b", tree, directory / "newer.deb")
    return directory / "newer.deb"


def test_it_installs_and_runs(package, root):
    install(root, package)
    assert in_root(root, "dpkg-query", "-W", "-f", "${db:Status-Status}", PACKAGE) == "installed"
    assert in_root(root, "dpkg", "--verify", PACKAGE) == ""
    assert in_root(root, "bunscope", "--version").startswith("bunscope ")
    assert (root / "usr/share/man/man8/bunscope.8.gz").exists()
    assert "the configuration is good" in in_root(
        root, "bunscope", "--config=/etc/bunscope/bunscope.yml", "--check-config")
    # Its own root, the host's /proc and /sys; all mounts end with the process.
    mounts = f"mount --rbind /proc {root}/proc && mount --rbind /sys {root}/sys && exec chroot {root} \"$@\""
    agent = Agent("--config=/etc/bunscope/bunscope.yml", prefix=[require("unshare"), "--mount", "sh", "-c", mounts, "sh"],
                  binary="/usr/sbin/bunscope")
    try:
        agent.wait_ready()
        assert agent.scrape().value("bunscope_up") == 1
    finally:
        assert agent.stop()[0] == 0


def test_an_upgrade_keeps_the_configuration(package, root, tmp_path):
    install(root, package)
    mine = root / "etc/bunscope/bunscope.yml"
    mine.write_text("track: all\n")
    install(root, newer(package, tmp_path))
    assert in_root(root, "dpkg-query", "-W", "-f", "${Version}", PACKAGE) == "99.0"
    assert mine.read_text() == "track: all\n"


def test_purge_leaves_nothing(package, root):
    before = set(run("find", root, "-xdev", "-not", "-path", "*/var/*").splitlines())
    install(root, package)
    in_root(root, "dpkg", "--remove", PACKAGE)
    assert (root / "etc/bunscope/bunscope.yml").exists(), "removing keeps the configuration"
    in_root(root, "dpkg", "--purge", PACKAGE)
    (root / "tmp/package.deb").unlink()
    after = set(run("find", root, "-xdev", "-not", "-path", "*/var/*").splitlines())
    left = {path for path in after - before if "/etc/systemd" not in path}
    assert left == set()


def test_make_install_and_uninstall(tmp_path):
    make = ["make", "-C", REPOSITORY, "--no-print-directory", f"DESTDIR={tmp_path}", "prefix=/opt/x"]
    run(*make, "install")
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {
        "opt/x/sbin/bunscope", "opt/x/share/man/man8/bunscope.8", "opt/x/share/bash-completion/completions/bunscope",
        "etc/systemd/system/bunscope.service", "opt/x/etc/bunscope/bunscope.yml",
    }
    unit = (tmp_path / "etc/systemd/system/bunscope.service").read_text()
    assert "ExecStart=/opt/x/sbin/bunscope --config=/opt/x/etc/bunscope/bunscope.yml" in unit
    run(*make, "uninstall")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["bunscope.yml"]


def test_the_manual_and_the_completion_know_every_flag(tmp_path):
    run("make", "-C", REPOSITORY, "--no-print-directory", f"DESTDIR={tmp_path}", "prefix=/usr", "install")
    helped = set(re.findall(r"^  --([a-z.-]+)", run(tmp_path / "usr/sbin/bunscope", "--help"), re.M))
    manual = (tmp_path / "usr/share/man/man8/bunscope.8").read_text().replace("\\-", "-")
    assert helped == set(re.findall(r"\\fB--([a-z.-]+)", manual))
    script = tmp_path / "usr/share/bash-completion/completions/bunscope"
    words = run("bash", "-c", f"source {script}; COMP_WORDS=(bunscope --); COMP_CWORD=1; compopt() {{ :; }}; _bunscope;"
                              ' printf "%s\\n" "${COMPREPLY[@]}"').split()
    assert {word.strip("-=") for word in words} == helped
    choices = run("bash", "-c", f"source {script}; COMP_WORDS=(bunscope --track = a); COMP_CWORD=3; _bunscope;"
                                ' printf "%s\\n" "${COMPREPLY[@]}"').split()
    assert choices == ["all"]
