"""Other people's networks, small: a CA of a company's own, a server under it, and a CONNECT proxy before it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey, starts: datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(key)
    numbered = builder.serial_number(x509.random_serial_number())
    return numbered.not_valid_before(starts).not_valid_after(starts + timedelta(days=2))


def certificates(folder: Path, *names: str, days_ago: int = 1) -> tuple[Path, Path]:
    """A CA's certificate, and a server's with its key for these names; both begin so many days ago and last two."""
    starts = datetime.now(UTC) - timedelta(days=days_ago)
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = "Corporate Inspection CA"
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    ca = (
        _builder(issuer, issuer, authority.public_key(), starts)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .add_extension(usage, critical=True)
        .sign(authority, hashes.SHA256())
    )
    alternatives = [x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names]
    leaf = (
        _builder(names[0], issuer, own.public_key(), starts)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = serialization.Encoding.PEM
    ca_file, server_file = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(ca.public_bytes(pem))
    server_file.write_bytes(leaf.public_bytes(pem) + private)
    return ca_file, server_file


def serving_context(server_file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    return context


@dataclass
class Proxy:
    """What a CONNECT proxy was asked. `says` is its answer's status line where it is not to let anything through."""

    url: str = ""
    says: str | None = None
    heads: list[str] = field(default_factory=list)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def proxying(port: int, says: str | None = None) -> AsyncIterator[Proxy]:
    """A proxy that leads every CONNECT to this port of loopback, whatever name is asked for."""
    proxy, tasks, writers = Proxy(says=says), set[asyncio.Task[None]](), list[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            proxy.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            if proxy.says is not None:
                writer.write(f"HTTP/1.1 {proxy.says}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
                writer.close()
                return
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            writers.append(inner_writer)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            for pair in ((reader, inner_writer), (inner_reader, writer)):
                task = asyncio.create_task(_pump(*pair))
                tasks.add(task)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        listener.close()
        for writer in writers:
            writer.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()
