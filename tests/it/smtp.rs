//! A mail server of this machine: takes everything, or refuses it, and remembers it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A letter as it came.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// To whom, by the envelope.
    pub(crate) to: Vec<String>,
    /// Headers and body.
    pub(crate) text: String,
}

/// A running server; it ends with the test.
pub(crate) struct MailServer {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl MailServer {
    /// Answers so to every recipient: `250 ok`, `550 no such user`.
    pub(crate) fn start(to_recipients: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let letters: Arc<Mutex<Vec<Letter>>> = Arc::default();
        let of_thread = Arc::clone(&letters);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // Whoever sent may be gone.
                let _ = serve(&connection, to_recipients, &of_thread);
            }
        });
        Self { address, letters }
    }

    /// Everything that was taken, in order.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.letters.lock().expect("no panic").clone()
    }
}

fn serve(
    mut connection: &TcpStream,
    to_recipients: &str,
    letters: &Mutex<Vec<Letter>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let (mut to, mut text) = (Vec::new(), String::new());
    connection.write_all(b"220 mail.shop.example\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let answer = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => "250 mail.shop.example",
            "RCPT" => {
                to.push(line.trim_start_matches("RCPT TO:").to_owned());
                to_recipients
            }
            "DATA" => {
                connection.write_all(b"354 go on\r\n")?;
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    text.push_str(&line);
                    text.push('\n');
                }
                let letter =
                    Letter { to: std::mem::take(&mut to), text: std::mem::take(&mut text) };
                letters.lock().expect("no panic").push(letter);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        connection.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}
