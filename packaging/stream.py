"""What packaging/try-systemd needs within its container.

stream.py NAME closing|keeping    sends signed webhooks from eight senders until there is a file /root/over, on a
                                  connection for each or on kept ones, and says what they were answered
stream.py make-old FOLDER         puts a database of the first schema in the place of the one in FOLDER
stream.py hold FOLDER SECONDS     holds the database, so that nobody else can write
"""

import collections
import glob
import hashlib
import hmac
import http.client
import json
import os
import sqlite3
import sys
import threading
import time

STATE = "/var/lib/private/payhookd"


def event(number):
    payment = {"id": f"pi_{number}", "object": "payment_intent", "amount": 4999, "amount_received": 4999,
               "currency": "eur", "status": "succeeded", "livemode": False, "metadata": {}}
    return json.dumps({"id": f"evt_{number}", "object": "event", "created": int(time.time()), "livemode": False,
                       "type": "payment_intent.succeeded", "data": {"object": payment}}).encode()


def stream(name, keeps):
    with open("/etc/payhookd/stripe", "rb") as file:
        secret = file.read().strip()
    answers, taken, slowest = collections.Counter(), set(), [0.0]
    lock = threading.Lock()

    def send(sender):
        number, connection = 0, None
        while not os.path.exists("/root/over"):
            number += 1
            body, at = event(f"{name}_{sender}_{number}"), str(int(time.time()))
            mac = hmac.new(secret, at.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers = {"Stripe-Signature": f"t={at},v1={mac}", "Connection": "keep-alive" if keeps else "close"}
            began = time.monotonic()
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", 8080, timeout=60)
                connection.request("POST", "/accounts/webhooks/stripe/", body, headers)
                answer = connection.getresponse()
                said = f"{answer.status} {answer.read().decode()}"
                if answer.status == 200:
                    with lock:
                        taken.add(f"evt_{name}_{sender}_{number}")
                if answer.getheader("connection") == "close" or not keeps:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                said, connection = type(error).__name__, None
            with lock:
                answers[said] += 1
                slowest[0] = max(slowest[0], time.monotonic() - began)

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(8)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    kept = {row[0] for row in sqlite3.connect(f"{STATE}/payhookd.db").execute("SELECT event_id FROM webhook_logs")}
    told = [f"{count} × {said}" for said, count in answers.most_common()]
    lost = len(taken - kept)
    print("; ".join([*told, f"slowest {slowest[0]:.2f} s", f"{lost} of what was taken is lost"]))
    return int(lost > 0)


def make_old(folder):
    path = f"{folder}/payhookd.db"
    new = sqlite3.connect(path)
    table, = new.execute("SELECT sql FROM sqlite_schema WHERE name = 'refinery_schema_history'").fetchone()
    row = new.execute("SELECT * FROM refinery_schema_history WHERE version = 1").fetchone()
    new.close()
    for file in glob.glob(f"{path}*"):
        os.remove(file)
    old = sqlite3.connect(path)
    with open(glob.glob("/root/migrations/V1__*")[0]) as file:
        old.executescript(file.read())
    old.execute(table)
    old.execute(f"INSERT INTO refinery_schema_history VALUES ({', '.join('?' * len(row))})", row)
    old.execute("PRAGMA journal_mode = wal").fetchone()
    old.commit()
    old.close()
    owner = os.stat(folder)
    for file in glob.glob(f"{path}*"):
        os.chown(file, owner.st_uid, owner.st_gid)


def hold(folder, seconds):
    database = sqlite3.connect(f"{folder}/payhookd.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    database.execute("ROLLBACK")


match sys.argv[1:]:
    case ["make-old", folder]:
        make_old(folder)
    case ["hold", folder, seconds]:
        hold(folder, float(seconds))
    case [name, "closing" | "keeping" as how]:
        sys.exit(stream(name, how == "keeping"))
    case _:
        sys.exit(__doc__)
