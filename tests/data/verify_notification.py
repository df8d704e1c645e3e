"""Checks a notification as an app would: secret, id, timestamp and signature as arguments, the body on
standard input. Prints what verified it, or "refused"."""

import base64
import hashlib
import hmac
import sys

secret, message_id, timestamp, signatures = sys.argv[1:]
body = sys.stdin.buffer.read()

try:
    from standardwebhooks import Webhook, WebhookVerificationError
except ImportError:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    genuine = any(hmac.compare_digest(expected, one) for one in signatures.split(" "))
    print("hmac" if genuine else "refused")
else:
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signatures,
    }
    try:
        Webhook(secret).verify(body.decode(), headers)
        print("standardwebhooks")
    except WebhookVerificationError:
        print("refused")
