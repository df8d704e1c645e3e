"""A shop's day at localstripe, through Stripe's own client: prints what it made, as JSON.

localstripe_shop.py BASE webhooks URL SECRET   webhooks go there from now on
localstripe_shop.py BASE pay CARD              creates and confirms a payment, and prints its id
localstripe_shop.py BASE hold                  authorizes one, and prints its id
localstripe_shop.py BASE refund PI AMOUNT      gives a part of a payment back
localstripe_shop.py BASE cancel PI             releases what is held
"""

import json
import sys
import urllib.request

import stripe

base, what, *more = sys.argv[1:]
client = stripe.StripeClient("sk_test_12345678", base_addresses={"api": base})


def intent(card, **options):
    method = client.v1.payment_methods.create({
        "type": "card",
        "card": {"number": card, "exp_month": 12, "exp_year": 2060, "cvc": "123"},
    })
    made = client.v1.payment_intents.create({
        "amount": 4999, "currency": "eur", "payment_method": method.id, **options,
    })
    try:
        client.v1.payment_intents.confirm(made.id)
    except stripe.CardError:
        pass
    return made.id


if what == "webhooks":
    url, secret = more
    body = json.dumps({"url": url, "secret": secret}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(base + "/_config/webhooks/shop", body, headers)
    urllib.request.urlopen(request).close()
elif what == "pay":
    print(intent(more[0]))
elif what == "hold":
    print(intent("4242424242424242", capture_method="manual"))
elif what == "refund":
    client.v1.refunds.create({"payment_intent": more[0], "amount": int(more[1])})
elif what == "cancel":
    client.v1.payment_intents.cancel(more[0])
else:
    sys.exit(__doc__)
