# SPDX-License-Identifier: Apache-2.0
"""Certificates and password hashes of the test's own."""
import crypt
import pathlib
import subprocess
import warnings

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def bcrypt(password, cost=10):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=1 << cost))


class Authority:
    """Signs certificates into a directory: NAME.pem and NAME.key, its own being ca.pem."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.ca = self.directory / "ca.pem"
        self._openssl("req", "-x509", *EC, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)

    def sign(self, name, purpose="serverAuth", key=()):
        (self.directory / "ext").write_text(
            f"subjectAltName=DNS:{name}.test,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage={purpose}\n"
        )
        self._openssl("req", *(key or EC), "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-out", f"{name}.pem", "-days", "2", "-extfile", "ext")
        return self.directory / f"{name}.pem", self.directory / f"{name}.key"
