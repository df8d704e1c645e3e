//! The service manager's side: listening sockets that stay open while the daemon is exchanged, and
//! word of being ready, alive and about to stop. Source: sd_listen_fds(3), sd_notify(3).
//!
//! Without a service manager all of it does nothing.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;

use crate::store::{Store, StoreError};
use crate::telemetry::line::Line;

/// Sockets that were opened before this process began and outlive it: whoever connects while it is
/// exchanged waits in them, and is not refused.
#[derive(Debug, Default)]
pub struct Sockets {
    /// For the providers.
    pub public: Option<TcpListener>,
    /// For the shop.
    pub admin: Option<TcpListener>,
}

impl Sockets {
    /// Whether there are any: then a daemon before this one may still answer on them.
    pub fn are_handed_over(&self) -> bool {
        self.public.is_some() || self.admin.is_some()
    }

    /// Takes over what was handed to this process: by the names `public` and `admin`
    /// (`FileDescriptorName=`), else in this order.
    pub fn from_environment() -> io::Result<Self> {
        let mut handed = ListenFd::from_env();
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut sockets = Self::default();
        for place in 0..handed.len() {
            let name = names.split(':').nth(place).unwrap_or_default();
            let slot = match (name, place) {
                ("public", _) => &mut sockets.public,
                ("admin", _) => &mut sockets.admin,
                (_, 0) => &mut sockets.public,
                (_, 1) => &mut sockets.admin,
                _ => {
                    return Err(io::Error::other(format!(
                        "{} sockets were handed over, but there is no use for more than two: the \
                         public listener's and the admin listener's; see payhookd.socket",
                        handed.len()
                    )));
                }
            };
            let listener = handed.take_tcp_listener(place).map_err(|error| {
                io::Error::other(format!("socket {place} that was handed over: {error}"))
            })?;
            if let Some(listener) = &listener {
                listener.set_nonblocking(true)?;
            }
            *slot = listener;
        }
        Ok(sockets)
    }
}

/// Webhooks are accepted from now on.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// It may take so much longer until they are.
pub fn still_starting(longer: Duration, status: &str) {
    let micros = u32::try_from(longer.as_micros()).unwrap_or(u32::MAX);
    notify(&[NotifyState::ExtendTimeoutUsec(micros), NotifyState::Status(status)]);
}

/// No more are accepted; what is in flight is answered.
pub fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("answering what is in flight")]);
}

/// Says again and again that the daemon lives, as long as a commit really works: a writer that
/// hangs is to be killed and started again.
pub async fn stay_alive(store: Store) {
    let Some(allowed) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    // Twice in the time that is allowed, as sd_watchdog_enabled(3) recommends.
    let mut ticks = tokio::time::interval((allowed / 2).max(Duration::from_millis(10)));
    loop {
        ticks.tick().await;
        match store.probe().await {
            Ok(()) => {
                let webhooks = store.report().webhooks;
                let status = format!("{webhooks} webhooks since the start");
                notify(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
            }
            // It lives, and is about to end by itself.
            Err(StoreError::Lost(loss)) => {
                notify(&[NotifyState::Watchdog, NotifyState::Status(loss.said())]);
            }
            Err(error) => {
                Line::error("no commit: the service manager is not told that all is well")
                    .with("err", &error)
                    .emit();
            }
        }
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        Line::warn("the service manager can't be told").with("err", &error).emit();
    }
}
