"""An SMTP server of aiosmtpd that asks for TLS and credentials, and prints what it takes: a JSON object a line.

    python mailbox.py CERTIFICATE KEY USER PASSWORD

The first line is {"port": N}. It refuses mailboxes of nobody@… for good, and puts off later@… once.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

certificate, key, user, password = sys.argv[1:]


def say(what):
    print(json.dumps(what), flush=True)


class Mailbox:
    def __init__(self):
        self.put_off = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("later@") and address not in self.put_off:
            self.put_off.add(address)
            return "451 4.7.1 greylisted, try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [
            {"type": part.get_content_type(), "text": part.get_content()}
            for part in message.walk()
            if not part.is_multipart()
        ]
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "tls": session.ssl is not None,
                "user": session.auth_data,
                "headers": {name.lower(): str(value) for name, value in message.items()},
                "parts": parts,
                "defects": [str(defect) for part in message.walk() for defect in part.defects],
            }
        )
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = (
        isinstance(data, LoginPassword)
        and data.login.decode() == user
        and data.password.decode() == password
    )
    return AuthResult(success=right, handled=False, auth_data=user if right else None)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


def connection():
    return SMTP(
        mailbox,
        hostname="localhost",
        tls_context=context,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
    )


async def main():
    server = await asyncio.get_running_loop().create_server(connection, host="127.0.0.1", port=0)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


mailbox = Mailbox()
asyncio.run(main())
