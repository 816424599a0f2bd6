# SPDX-License-Identifier: Apache-2.0
"""--web.config.file: TLS, client certificates and passwords, to a client, to a real Prometheus, and to somebody who tries."""
import base64
import http.client
import os
import socket
import ssl
import subprocess
import time

import pytest

from conftest import require
from harness.agent import run_agent
from harness.certificates import Authority, bcrypt
from harness.prometheus import Prometheus
from harness.wait import wait_until

RSA = ["-newkey", "rsa:2048", "-nodes"]
TLS = "tls_server_config: {{cert_file: {name}.pem, key_file: {name}.key{more}}}\n"
CLIENTS = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [reader.test]"
FIRST_REQUEST_SECONDS = 10


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    require("openssl")
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    authority.sign("server")
    authority.sign("rsa", key=RSA)
    authority.sign("reader", "clientAuth")
    authority.sign("stranger", "clientAuth")
    return authority


@pytest.fixture(scope="module")
def hashes():
    return {"alice": bcrypt("right"), "bob": bcrypt("other")}


def users(hashes):
    return "basic_auth_users:\n" + "".join(f"  {name}: {value}\n" for name, value in hashes.items())


@pytest.fixture
def start_secured(start_agent, authority):
    """Starts an agent with that text in its --web.config.file. Its harness talks plain HTTP, so it waits for the log alone."""
    paths = []

    def start(text):
        path = authority.directory / f"web-{len(paths)}.yml"
        path.write_text(text)
        paths.append(path)
        agent = start_agent(f"--web.config.file={path}", ready=False)
        agent.web_config = path
        return agent

    return start


def password(user, secret):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def tls_context(authority, client=None):
    context = ssl.create_default_context(cafile=authority.ca)
    if client:
        context.load_cert_chain(authority.directory / f"{client}.pem", authority.directory / f"{client}.key")
    return context


def get(agent, path="/metrics", headers=None, context=None):
    """The status and body; None when the server hung up."""
    make = http.client.HTTPSConnection if context else http.client.HTTPConnection
    options = {"context": context} if context else {}
    connection = make("localhost" if context else agent.address[0], agent.address[1], timeout=20, **options)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (ssl.SSLError, ConnectionError, http.client.BadStatusLine):
        return None
    finally:
        connection.close()


# ---- a real Prometheus ----

JOB = """
  - job_name: {job}
    scheme: {scheme}
    static_configs: [{{targets: ['localhost:{port}']}}]
{more}"""
BASIC = "    basic_auth: {{username: alice, password: {secret}}}\n"
TLS_CLIENT = "    tls_config: {{ca_file: {ca}{more}}}\n"


def test_a_real_prometheus_scrapes_with_each(start_secured, authority, hashes):
    program = require("prometheus")
    folder = authority.directory
    tls_client = TLS_CLIENT.format(ca=authority.ca, more="")
    with_cert = TLS_CLIENT.format(ca=authority.ca, more=f", cert_file: {folder}/reader.pem, key_file: {folder}/reader.key")
    basic = BASIC.format(secret="right")
    plain = start_secured(users(hashes)).address[1]
    tls = start_secured(TLS.format(name="server", more="")).address[1]
    rsa = start_secured(TLS.format(name="rsa", more="") + users(hashes)).address[1]
    mutual = start_secured(TLS.format(name="server", more=CLIENTS)).address[1]
    jobs = [
        ("password", "http", plain, basic, "up"),
        ("tls", "https", tls, tls_client, "up"),
        ("tls-and-password", "https", rsa, tls_client + basic, "up"),
        ("certificate", "https", mutual, with_cert, "up"),
        ("wrong-password", "http", plain, BASIC.format(secret="wrong"), "down"),
        ("no-password", "http", plain, "", "down"),
        ("no-certificate", "https", mutual, tls_client, "down"),
        ("plain-to-tls", "http", tls, "", "down"),
    ]
    text = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:" + "".join(
        JOB.format(job=job, scheme=scheme, port=port, more=more) for job, scheme, port, more, _ in jobs)
    prometheus = Prometheus(program, text)
    try:
        found = {}

        def each_was_scraped():
            found.update({target["labels"]["job"]: (target["health"], target["lastError"]) for target in prometheus.targets()})
            return len(found) == len(jobs) and all(health != "unknown" for health, _ in found.values())

        wait_until(each_was_scraped, "each was scraped")
        assert {job: found[job][0] for job in found} == {job[0]: job[4] for job in jobs}, found
        assert "401" in found["wrong-password"][1]
        ((_, up),) = prometheus.query('bunscope_up{job="certificate"}')
        assert up == 1
    finally:
        prometheus.stop()


# ---- passwords ----

def test_without_the_password(start_secured, hashes):
    agent = start_secured(users(hashes))
    assert get(agent)[0] == 401
    assert get(agent, "/nothing")[0] == 401, "what is there is nobody's business"
    assert get(agent, headers=password("alice", "other"))[0] == 401
    assert get(agent, headers={"Authorization": "Basic !!!"})[0] == 401
    assert get(agent, headers={"Authorization": "Bearer x"})[0] == 401
    assert get(agent, headers=password("alice", "right"))[0] == 200
    assert get(agent, headers=password("bob", "other"))[0] == 200


def test_probes_need_no_password_and_get_no_reasons(start_secured, hashes):
    agent = start_secured(users(hashes))
    assert get(agent, "/healthz") == (200, "ok\n")
    assert get(agent, "/readyz") == (200, "ok\n")
    assert "process/exec" in get(agent, "/readyz", password("alice", "right"))[1]


def test_guessing_does_not_keep_a_scraper_out(start_secured, hashes):
    """Whoever was let in is answered while others guess, and the loop keeps turning."""
    agent = start_secured(users(hashes))
    assert get(agent, headers=password("alice", "right"))[0] == 200
    answers = [get(agent, headers=password("alice", f"guess {i}"))[0] for i in range(60)]
    assert set(answers) == {401, 429}
    begin = time.monotonic()
    assert get(agent, headers=password("alice", "right"))[0] == 200
    assert time.monotonic() - begin < 1


# ---- TLS ----

def test_certificates_of_clients(start_secured, authority):
    agent = start_secured(TLS.format(name="server", more=CLIENTS))
    assert get(agent, context=tls_context(authority, "reader"))[0] == 200
    assert get(agent, context=tls_context(authority)) is None
    assert get(agent, context=tls_context(authority, "stranger")) is None, "not one of client_allowed_sans"
    assert get(agent, context=tls_context(authority, "server")) is None, "not made for clients"


def s_client(agent, *flags):
    """What a handshake with these flags agreed on: `TLSv1.2 CIPHER`; empty when it failed."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{agent.address[1]}", *flags],
        input=b"", capture_output=True, timeout=20, check=False)
    text = done.stdout.decode(errors="replace")
    found = [line for line in text.splitlines() if line.startswith("New, ") and "NONE" not in line]
    return found[0] if found else ""


@pytest.mark.parametrize("name", ["server", "rsa"])
def test_no_old_protocol_and_no_weak_cipher(start_secured, authority, name):
    """Each cipher that this openssl knows, one by one: what works has forward secrecy and an authenticated cipher."""
    agent = start_secured(TLS.format(name=name, more=""))
    for version in ("-tls1", "-tls1_1"):
        assert s_client(agent, version, "-cipher", "ALL:@SECLEVEL=0") == ""
    listed = subprocess.run(["openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
                            capture_output=True, text=True, check=True).stdout.strip().split(":")
    assert len(listed) > 50
    works = {cipher for cipher in listed if s_client(agent, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")}
    kind = "ECDSA" if name == "server" else "RSA"
    assert works == {f"ECDHE-{kind}-{cipher}"
                     for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}
    for cipher in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        assert cipher in s_client(agent, "-tls1_3", "-ciphersuites", cipher)
    assert s_client(agent, "-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256") == ""
    assert s_client(agent, "-tls1_2", "-groups", "X448") == ""


def test_only_tls13_when_asked_for(start_secured, authority):
    agent = start_secured(TLS.format(name="server", more=", min_version: TLS13, curve_preferences: [X25519]"))
    assert s_client(agent, "-tls1_2") == ""
    assert "TLSv1.3" in s_client(agent, "-tls1_3")
    assert s_client(agent, "-tls1_3", "-groups", "P-256") == ""


def test_a_plain_request_to_a_tls_port_is_not_answered(start_secured):
    agent = start_secured(TLS.format(name="server", more=""))
    assert get(agent) is None


# ---- read again on change ----

def test_what_changes_is_read_again(start_secured, authority, hashes):
    agent = start_secured(users(hashes))
    good = password("alice", "right")
    assert get(agent, headers=good)[0] == 200

    agent.web_config.write_text(users({"bob": hashes["bob"]}))
    wait_until(lambda: get(agent, headers=good)[0] == 401, "alice is out")
    assert get(agent, headers=password("bob", "other"))[0] == 200

    agent.web_config.write_text(TLS.format(name="server", more=""))
    wait_until(lambda: get(agent) is None, "it speaks TLS")
    assert get(agent, context=tls_context(authority))[0] == 200


def test_a_new_certificate_is_served(start_secured, authority):
    for name in ("first", "second"):
        authority.sign(name)
    folder = authority.directory
    for kind in ("pem", "key"):
        os.replace(folder / f"first.{kind}", folder / f"current.{kind}")
    agent = start_secured(TLS.format(name="current", more=""))
    before = ssl.get_server_certificate(agent.address)
    for kind in ("pem", "key"):
        os.replace(folder / f"second.{kind}", folder / f"current.{kind}")
    wait_until(lambda: ssl.get_server_certificate(agent.address) != before, "the new certificate is served")


def test_what_is_wrong_changes_nothing_and_is_said_once(start_secured, hashes):
    agent = start_secured(users(hashes))
    good = agent.web_config.read_text()
    agent.web_config.write_text(good + "oops: 1\n")
    wait_until(lambda: "web-0.yml:4: oops: unknown key; what was read before stands" in agent.log, "it complains")
    assert get(agent)[0] == 401
    assert get(agent, headers=password("alice", "right"))[0] == 200
    agent.web_config.write_text(good)
    wait_until(lambda: "web-0.yml again" in agent.log, "it is content")
    assert agent.log.count("oops") == 1


# ---- limits ----

def test_a_handshake_that_never_ends(start_secured):
    """A byte now and then does not keep a connection."""
    agent = start_secured(TLS.format(name="server", more=""))
    with socket.create_connection(agent.address, timeout=1) as connection:
        begin = time.monotonic()
        rest = iter(b"\x16\x03\x01\x02\x00" + b"\x01\x00\x01\xfc\x03\x03" + bytes(506))

        def closed():
            try:
                connection.sendall(bytes([next(rest)]))
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        wait_until(closed, "the connection is closed", FIRST_REQUEST_SECONDS + 5)
        assert time.monotonic() - begin > FIRST_REQUEST_SECONDS - 1, "it was not the limit that ended it"


def test_a_request_of_more_than_its_limit(start_secured, hashes):
    agent = start_secured(users(hashes))
    answer = get(agent, headers={"X-Long": "x" * 16384})
    assert answer is None or answer[0] == 431
    assert get(agent, headers=password("alice", "right"))[0] == 200


# ---- errors at start ----

@pytest.mark.parametrize("text, said", [
    ("tls_server_config:\n  nonsense: 1\n", ":2: nonsense: unknown key"),
    ("tls_server_config: {cert_file: none.pem, key_file: none.key}\n", "none.pem: No such file or directory"),
    ("tls_server_config: {cert_file: server.pem, key_file: rsa.key}\n", "server.pem: "),
    ("basic_auth_users:\n  alice: secret\n", ":2: alice: not a bcrypt hash"),
])
def test_a_bad_file_is_an_error_of_configuration(authority, text, said):
    path = authority.directory / "bad.yml"
    path.write_text(text)
    for flags in ([], ["--check-config"]):
        done = run_agent("--web.listen-address=127.0.0.1:0", f"--web.config.file={path}", *flags)
        assert done.returncode == 2
        assert said in done.stderr and len(done.stderr.splitlines()) == 1
        assert "alice: secret" not in done.stderr
