//! HTTP/1.1 byte by byte, so that a test can also send what no client library would.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::daemon::DEADLINE;

/// One connection, kept alive until it is dropped.
pub(crate) struct Connection {
    stream: TcpStream,
    /// What came and belongs to no answer yet.
    received: Vec<u8>,
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream.set_write_timeout(Some(DEADLINE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, received: Vec::new() }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("the other side reads");
    }

    /// The same, where the other side may have closed.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends a request whole, with its length.
    pub(crate) fn send_request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: payhookd\r\n").into_bytes();
        for (name, value) in headers {
            request.extend(format!("{name}: {value}\r\n").bytes());
        }
        let body = body.as_ref();
        request.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
        request.extend_from_slice(body);
        // Whoever refuses a body need not read it; the answer says why.
        let _ = self.try_send(request);
    }

    /// A request and its answer.
    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.send_request(method, path, headers, body);
        self.answer()
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> Answer {
        self.answer_or_end().expect("an answer before the connection ends")
    }

    /// The next answer; `None` if the other side closes without one.
    pub(crate) fn answer_or_end(&mut self) -> Option<Answer> {
        let head = loop {
            if let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let rest = self.received.split_off(end + 4);
                break std::mem::replace(&mut self.received, rest);
            }
            if !self.receive() {
                return None;
            }
        };
        let mut answer = Answer::from_head(std::str::from_utf8(&head).expect("a head is text"));
        let length = answer
            .header("content-length")
            .map_or(0, |length| length.parse::<usize>().expect("a length"));
        while self.received.len() < length {
            assert!(self.receive(), "the connection ended within the body of {answer:?}");
        }
        let rest = self.received.split_off(length);
        answer.body = std::mem::replace(&mut self.received, rest);
        Some(answer)
    }

    /// All that comes until the other side closes, as text.
    pub(crate) fn rest(&mut self) -> String {
        while self.receive() {}
        String::from_utf8(std::mem::take(&mut self.received)).expect("text")
    }

    /// Whether nothing has come up to now.
    pub(crate) fn is_silent(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a socket");
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).expect("a socket");
        self.received.is_empty() && peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Waits until the other side has closed.
    pub(crate) fn is_closed(&mut self) -> bool {
        assert!(self.received.is_empty(), "more came than was read");
        !self.receive()
    }

    /// Ends the sending side, as a sender who goes away does.
    pub(crate) fn finish(&self) {
        // It may be closed from the other side.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// `false` if the other side has closed.
    fn receive(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                self.received.extend_from_slice(&buffer[..read]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("nothing comes: {error}"),
        }
    }
}

impl Answer {
    fn from_head(head: &str) -> Self {
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 "));
        let status = status.and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self {
            status: status.unwrap_or_else(|| panic!("a status line in {head:?}")),
            headers: lines.map(header).collect(),
            body: Vec::new(),
        }
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// The reason that a refusal gives.
    pub(crate) fn reason(&self) -> Option<String> {
        Some(self.json()["reason"].as_str()?.to_owned())
    }
}
