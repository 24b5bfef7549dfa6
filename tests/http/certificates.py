# SPDX-License-Identifier: ISC
"""Certificate authorities of our own, and what they certify."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


class Authority:
    def __init__(self, name, directory):
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = directory / f"{name}.crt"
        self.file.write_bytes(pem(self.sign(self.name, self.key, x509.BasicConstraints(True, None))))

    def sign(self, subject, key, *extensions, days=2):
        """For `days` from yesterday on."""
        start = datetime.datetime.utcnow() - DAY
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number(),
                                          min(start, start + days * DAY - DAY), start + days * DAY)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def certify(self, host, directory, **options):
        """server.key and server.crt, as PostgreSQL wants them. Returns both files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        certificate = self.sign(subject, key, x509.SubjectAlternativeName([x509.DNSName(host)]), **options)
        files = directory / "server.key", directory / "server.crt"
        files[0].touch(0o600)
        files[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        files[1].write_bytes(pem(certificate))
        return files


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
