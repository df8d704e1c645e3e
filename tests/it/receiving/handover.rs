//! A service manager's daemon: sockets that outlive it, and word of how it is.

use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::support::daemon::{DEADLINE, Options, wait_until};
use crate::support::provider::{STRIPE, stripe_event, stripe_signature};
use crate::support::wire::Connection;

fn sockets() -> Arc<[TcpListener; 2]> {
    Arc::new([(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port")))
}

#[test]
fn a_daemon_is_exchanged_under_load_and_nobody_is_refused() {
    // As nginx does, on a connection for each, and as Caddy does, which keeps them.
    for keeps in [false, true] {
        exchanged_under_load(keeps);
    }
}

fn exchanged_under_load(keeps: bool) {
    let sockets = sockets();
    let options = Options::stripe().on_sockets(&sockets);
    let public = sockets[0].local_addr().expect("an address");
    let (acknowledged, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let last = std::thread::scope(|scope| {
        for sender in 0..6 {
            let (acknowledged, over) = (&acknowledged, &over);
            scope.spawn(move || {
                let mut kept = None;
                for number in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let name = format!("{sender}_{number}");
                    let body = stripe_event("payment_intent.succeeded", &name);
                    let signature = stripe_signature(body.as_bytes());
                    let mut headers = vec![("stripe-signature", &*signature)];
                    if !keeps {
                        headers.push(("connection", "close"));
                    }
                    let mut connection = kept.take().unwrap_or_else(|| Connection::open(public));
                    let answer = connection.request("POST", STRIPE, &headers, body);
                    assert_eq!(answer.text(), r#"{"received":true}"#);
                    if answer.header("connection") != Some("close") {
                        kept = Some(connection);
                    }
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..4 {
            let before = acknowledged.load(Ordering::Relaxed);
            let daemon = options.start();
            assert_eq!(daemon.public, public, "it listens where it was told to");
            assert_eq!(daemon.admin, sockets[1].local_addr().expect("an address"));
            let more = || acknowledged.load(Ordering::Relaxed) > before + 50;
            wait_until("webhooks are acknowledged", more);
            let ended = daemon.terminate();
            assert!(ended.status.success(), "{ended:?}");
        }
        // Who came since the last one ended waits in the socket; it lives until all are answered.
        over.store(true, Ordering::Relaxed);
        options.start()
    });
    let kept = options.database().count("webhook_logs");
    assert_eq!(u64::try_from(kept), Ok(acknowledged.load(Ordering::Relaxed)));
    drop(last);
    options.database().assert_proved();
}

#[test]
fn the_service_manager_hears_when_the_daemon_is_ready_lives_and_stops() {
    let options = Options::stripe().variable("WATCHDOG_USEC", 40_000);
    let address = options.folder().join("notify");
    let manager = UnixDatagram::bind(&address).expect("a socket");
    manager.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let daemon = options.variable("NOTIFY_SOCKET", address.display()).start();
    let next = || {
        let mut message = [0; 512];
        let length = manager.recv(&mut message).expect("a message");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let first = next();
    assert!(first.starts_with("READY=1\nSTATUS=webhooks on 127.0.0.1:"), "{first}");
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    while next() != "WATCHDOG=1\nSTATUS=1 webhooks since the start\n" {}
    daemon.terminate();
    while !next().starts_with("STOPPING=1\n") {}
}

#[test]
fn a_daemon_that_can_not_commit_does_not_say_that_it_lives() {
    let options = Options::stripe().variable("WATCHDOG_USEC", 40_000);
    let address = options.folder().join("notify");
    let manager = UnixDatagram::bind(&address).expect("a socket");
    let faults = options.folder().join("faults");
    let daemon = options
        .variable("NOTIFY_SOCKET", address.display())
        .arg("--unsafe-test-faults")
        .arg(faults.display())
        .start();
    std::fs::write(&faults, "read-only").expect("a fault");
    daemon.wait_for_line("the service manager is not told that all is well");
    // What it said before the fault is in the socket; from now on it says nothing more.
    manager.set_nonblocking(true).expect("a socket");
    let mut message = [0; 512];
    while manager.recv(&mut message).is_ok() {}
    let count = || daemon.log().matches("is not told that all is well").count();
    let before = count();
    wait_until("it has tried again", || count() > before + 2);
    assert!(manager.recv(&mut message).is_err(), "it says that it lives");
}

#[test]
fn sockets_that_are_of_no_use_are_a_mistake() {
    let output = Options::stripe()
        .through_shell("exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$")
        .start_refused();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("socket 0 that was handed over"), "{said}");
}

/// The measure of the service manager itself, where there is one on this machine.
#[test]
fn the_units_are_sound_and_forbid_what_is_not_needed() {
    let units = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd");
    let analyze = |args: &[&str]| std::process::Command::new("systemd-analyze").args(args).output();
    if analyze(&["--version"]).is_err() {
        println!("skipped: systemd-analyze is not installed");
        return;
    }
    let service = format!("{units}/payhookd.service");
    let security = ["security", "--offline=true", "--threshold=10", "--no-pager", &*service];
    let measured = analyze(&security).expect("it runs");
    let said = String::from_utf8_lossy(&measured.stdout);
    assert!(measured.status.success(), "exposed more than 1.0: {said}");
}
