//! Posting events to a daemon, as a provider does.

use ureq::Agent;

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, as far as it is text.
    pub body: String,
}

/// Nothing was answered.
#[derive(Debug, thiserror::Error)]
#[error("no answer from {url}: {source}")]
pub struct NoAnswer {
    url: String,
    source: Box<ureq::Error>,
}

/// Posts over kept-alive connections.
#[derive(Clone, Debug)]
pub struct Sender(Agent);

/// Our own answers are a line.
const LARGEST: u64 = 64 * 1024;

impl Sender {
    /// Ready to post.
    pub fn new() -> Self {
        Self(super::agent(None))
    }

    /// Posts one event with its signature headers. Blocks.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<AppAnswer, NoAnswer> {
        let no_answer =
            |source: ureq::Error| NoAnswer { url: url.to_owned(), source: Box::new(source) };
        let mut request = self.0.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send(body).map_err(no_answer)?;
        let status = answer.status().as_u16();
        let body = super::body(answer, LARGEST).map_err(no_answer)?;
        Ok(AppAnswer { status, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}
