//! A server that has certificates as PayPal's has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::fake::{Fake, Reply};
use crate::support::provider::sandbox_authority;

/// Serves certificates in place of PayPal.
pub(crate) struct Certificates {
    /// The server itself.
    pub(crate) fake: Fake,
    replies: Arc<Mutex<HashMap<String, Reply>>>,
}

impl Certificates {
    /// Has none.
    pub(crate) fn none() -> Self {
        Self::slow(Duration::ZERO)
    }

    /// Has none either, and says so after this time.
    pub(crate) fn slow(after: Duration) -> Self {
        let replies: Arc<Mutex<HashMap<String, Reply>>> = Arc::default();
        let script = Arc::clone(&replies);
        let fake = Fake::start(move |asked| {
            std::thread::sleep(after);
            let replies = script.lock().expect("no panic");
            let reply = replies.get(&asked.path).cloned();
            reply.unwrap_or_else(|| Reply::Answer(404, None, "no such certificate".to_owned()))
        });
        Self { fake, replies }
    }

    /// Has the sandbox authority's, under the name `CERT-1`.
    pub(crate) fn of_sandbox() -> Self {
        let certificates = Self::none();
        certificates.serve("CERT-1", Reply::ok(sandbox_authority().leaf_pem()));
        certificates
    }

    /// Replies so to whoever asks for the certificate of this name from now on.
    pub(crate) fn serve(&self, name: &str, reply: Reply) {
        let path = format!("/v1/notifications/certs/{name}");
        self.replies.lock().expect("no panic").insert(path, reply);
    }

    /// The URL of a certificate on this server.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/v1/notifications/certs/{name}", self.fake.address)
    }

    /// How often the certificate of this name was asked for.
    pub(crate) fn fetches(&self, name: &str) -> usize {
        self.fake.count(&format!("/v1/notifications/certs/{name}"))
    }

    /// Whatever was asked was asked for as a certificate is, without anything of the sender's.
    pub(crate) fn assert_asked_properly(&self) {
        for asked in self.fake.asked() {
            assert_eq!(asked.method, "GET", "{asked:?}");
            assert!(asked.path.starts_with("/v1/notifications/certs/"), "{asked:?}");
            assert_eq!(asked.header("host"), Some(&*self.fake.address.to_string()), "{asked:?}");
            assert!(asked.header("user-agent").is_some_and(|it| it.starts_with("payhookd/")));
            assert!(asked.header("cookie").or_else(|| asked.header("authorization")).is_none());
            assert_eq!(asked.body, b"", "{asked:?}");
        }
    }
}
