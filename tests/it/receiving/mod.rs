//! Webhooks as they come: genuine, forged, unreadable, too many.

pub(crate) mod adversary;
pub(crate) mod answers;
pub(crate) mod clients;
pub(crate) mod flood;
pub(crate) mod handover;
pub(crate) mod paypal;
pub(crate) mod postback;
pub(crate) mod scenarios;
pub(crate) mod stripe;
pub(crate) mod unknown_certificates;
pub(crate) mod unreadable;
