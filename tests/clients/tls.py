#!/usr/bin/env python3
"""openssl s_client, curl and Python's ssl talk to listeners in TLS.

tls.py TEXT WEB CERTIFICATE: the addresses of text+tls and web+tls, and the file of their certificate.
"""

import socket
import ssl
import subprocess
import sys

TIMEOUT = 60


def check(condition, message):
    if not condition:
        sys.exit(message)


def openssl(text, certificate, version):
    """Says something with s_client, which must verify the certificate."""
    command = ["openssl", "s_client", "-connect", text, "-CAfile", certificate, "-verify_return_error", "-quiet", version]
    # It ends when the server does, which answers /quit.
    told = subprocess.run(
        command, input=b"/name ossl\n/quit\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False
    )
    out = told.stdout.decode()
    check("* you are now ossl" in out and "* bye" in out, f"openssl {version}: {out}{told.stderr.decode()}")


def curl(web, certificate):
    """Loads the page, and is told that it needs https without it."""
    def answer(*arguments):
        command = ["curl", "--silent", "--show-error", "--max-time", str(TIMEOUT), "--include", *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, timeout=TIMEOUT, check=True).stdout.decode()

    for version in ("1.2", "1.3"):
        page = answer("--cacert", certificate, f"--tlsv{version}", "--tls-max", version, f"https://{web}/")
        check(page.startswith("HTTP/1.1 200 OK") and "<!doctype html>" in page, f"curl with TLS {version}: {page}")
    told = answer(f"http://{web}/")
    check(told.startswith("HTTP/1.1 400 ") and "https://" in told, f"curl without TLS: {told}")


def python(text, certificate, version):
    """Two clients talk, and end their halves one after the other."""
    context = ssl.create_default_context(cafile=certificate)
    context.minimum_version = context.maximum_version = version
    host, port = text.rsplit(":", 1)

    def connect(name):
        client = context.wrap_socket(socket.create_connection((host, int(port)), TIMEOUT), server_hostname=host)
        check(client.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version], "version")
        lines = client.makefile("r", newline="\n")
        expect(lines, "* welcome")
        client.sendall(f"/name {name}\n".encode())
        expect(lines, f"* you are now {name}")
        return client, lines

    def expect(lines, start):
        for line in lines:
            if line.startswith(start):
                return
        sys.exit(f"Python's ssl: the end in place of {start!r}")

    pia, hears_pia = connect("pia")
    pit, hears_pit = connect("pit")
    # Several records.
    long = "x" * 4000
    for n in range(20):
        pia.sendall(f"{n} {long}\n".encode())
    for n in range(20):
        expect(hears_pit, f"pia: {n} {long}")
    pit.sendall(b"that was much\n/quit\n")
    expect(hears_pit, "* bye")
    check(hears_pit.readline() == "", "the end follows")
    expect(hears_pia, "pit: that was much")
    # The server answers the end of TLS with its own; otherwise this fails.
    pia.unwrap().close()


def main(text, web, certificate):
    for version in ("-tls1_2", "-tls1_3"):
        openssl(text, certificate, version)
    curl(web, certificate)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        python(text, certificate, version)


if __name__ == "__main__":
    main(*sys.argv[1:])
