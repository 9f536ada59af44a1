"""An S3 server of the tests' own: moto's, a real HTTP server on loopback, which checks every signature once a user has been made."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3

from tests.search.postgres import free_port

BUCKET = "bucket"
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


class Bucket:
    """A running server with one bucket, and the one user who may use it.

    Attributes:
        key, secret: The user's.
        environment: What a process needs in its environment to use the bucket.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.log = Path(tempfile.mkstemp(prefix="altiplano-moto-")[1])
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
                env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "4"},  # the four calls below
                stdout=log,
                stderr=log,
            )
        self._wait()
        somebody = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing", "region_name": "us-east-1"}
        people = boto3.client("iam", endpoint_url=self.endpoint, **somebody)
        people.create_user(UserName="tests")
        people.put_user_policy(UserName="tests", PolicyName="all", PolicyDocument=POLICY)
        made = people.create_access_key(UserName="tests")["AccessKey"]
        self.key, self.secret = made["AccessKeyId"], made["SecretAccessKey"]
        boto3.client("s3", endpoint_url=self.endpoint, **somebody).create_bucket(Bucket=BUCKET)

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process that uses the bucket has in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def everything(self) -> dict[str, bytes]:
        """Every object's key and content."""
        return {one.key: one.get()["Body"].read() for one in self._bucket().objects.all()}

    def clear(self) -> None:
        """Leave nothing in it."""
        self._bucket().objects.all().delete()

    def stop(self) -> None:
        """End the server; what it holds is gone."""
        self.process.kill()
        self.process.wait(30)
        self.log.unlink(missing_ok=True)

    def _bucket(self) -> Any:
        user = {"aws_access_key_id": self.key, "aws_secret_access_key": self.secret, "region_name": "us-east-1"}
        return boto3.resource("s3", endpoint_url=self.endpoint, **user).Bucket(BUCKET)

    def _wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise TimeoutError(self.log.read_text()[-2000:])


class Gate:
    """A way to a server through which so many bytes of requests pass; then it says so, and nothing passes any more."""

    def __init__(self, server: int, most: int) -> None:
        self.server, self.left, self.full = server, most, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server))
                for ends in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while (content := source.recv(1 << 16)) and not self.full.is_set():
                target.sendall(content)
                self.left -= len(content) if counted else 0
                if self.left < 0:
                    self.full.set()
        for end in (source, target):  # both directions end, as the connections of a process that was killed do
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()
