//! payhookd receives Stripe and PayPal webhooks for small shops.
