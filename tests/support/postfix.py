"""A Postfix of a test's own: its queue, its configuration and what it delivers lie in one folder."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

from devstack.ports import free_port
from tests.support.waiting import until

MASTER = Path("/usr/lib/postfix/sbin/master")
DELIVERS_AS = "nobody"
"""Postfix gives no mail to root's files."""

MAIN = """\
compatibility_level = 3.6
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_recipient_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
mydestination =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
notify_classes =
biff = no
"""

SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running Postfix: takes mail for any address at example.org and keeps it all in one maildir."""

    url: str
    folder: Path

    def delivered(self) -> list[EmailMessage]:
        """Read back what was delivered so far, in no order."""
        files = (self.folder / "mail" / "inbox" / "new").glob("*")
        return [BytesParser(EmailMessage, policy=default).parsebytes(file.read_bytes()) for file in files]

    async def wait_for(self, count: int, *, within: float) -> list[EmailMessage]:
        """Wait until `count` mails were delivered and give all. Raises `AssertionError`."""
        inbox = self.folder / "mail" / "inbox" / "new"
        await until(lambda: len(list(inbox.glob("*"))) >= count, within=within, every=0.1)
        return self.delivered()


def need_postfix() -> None:
    """Skip the test where Postfix cannot run; where everything is to be tested, fail."""
    missing = "Postfix is not installed" if not MASTER.exists() else "Postfix starts as root only"
    if MASTER.exists() and os.geteuid() == 0:
        return
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(f"{missing}; apt-get install postfix")


@asynccontextmanager
async def postfix() -> AsyncIterator[Postfix]:
    """Start one on a free port, and remove all of it afterwards."""
    need_postfix()
    folder, port = Path(tempfile.mkdtemp(prefix="porter-postfix-")), free_port()
    try:
        _lay_out(folder, port)
        master = await asyncio.create_subprocess_exec(
            MASTER, "-c", folder / "etc", "-d", stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await until(lambda: _greets(port), within=20)
            yield Postfix(f"smtp://127.0.0.1:{port}", folder)
        finally:
            master.terminate()
            await master.wait()
    finally:
        shutil.rmtree(folder)


def _lay_out(folder: Path, port: int) -> None:
    reader, owner = pwd.getpwnam(DELIVERS_AS), pwd.getpwnam("postfix")
    folder.chmod(0o755)  # its daemons give up being root
    for name, user in (("etc", None), ("queue", None), ("data", owner), ("mail", reader)):
        (folder / name).mkdir()
        if user is not None:
            os.chown(folder / name, user.pw_uid, user.pw_gid)
    main = MAIN.format(folder=folder, uid=reader.pw_uid, gid=reader.pw_gid)
    (folder / "etc" / "main.cf").write_text(main)
    (folder / "etc" / "master.cf").write_text(SERVICES.format(port=port))
    # Makes the queue's folders with the owners and modes that Postfix wants.
    checking = subprocess.run(
        ["/usr/sbin/postfix", "-c", folder / "etc", "check"], capture_output=True, text=True, check=False
    )
    assert checking.returncode == 0, checking.stderr


async def _greets(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        return (await reader.readline()).startswith(b"220")
    finally:
        writer.close()
        await writer.wait_closed()
