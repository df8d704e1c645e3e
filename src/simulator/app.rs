//! The app of the demo's shop: it takes what it is told, but it has a fault where disputes are.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Starts it on any free port; it ends with the process. Its address.
pub(crate) fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::Builder::new().name("app".to_owned()).spawn(move || {
        for connection in listener.incoming() {
            // Whoever tells it something sees the broken connection, and tells it again.
            let _ = connection.and_then(answer);
        }
    })?;
    Ok(address)
}

fn answer(connection: TcpStream) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(&connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(said) = header.strip_prefix("content-length:") {
            length = said.trim().parse().unwrap_or(0);
        }
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    let answer = match body.contains("\"transaction.disputed\"") {
        true => {
            "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 27\r\nconnection: close\r\n\r\n\
                 what is a dispute? (line 7)"
        }
        false => "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    };
    (&connection).write_all(answer.as_bytes())
}

const PATIENCE: Duration = Duration::from_secs(5);
