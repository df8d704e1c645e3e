//! The dashboard's style, script and icon: part of the binary, under addresses that change with them.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use crate::http::typed;

/// How everything looks.
pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style.css", "text/css", include_str!("assets/style.css")));
/// What keeps a page as it is now.
pub(super) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("live.js", "text/javascript", include_str!("assets/live.js")));
/// What stands before the title.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")));

/// A file of the dashboard.
#[derive(Debug)]
pub(super) struct Asset {
    path: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(name: &str, content_type: &'static str, content: &'static str) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("/assets/{hash}/{name}"), content_type, content }
    }

    /// Its address.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// The file at this address, if it is of this version.
pub(super) fn find(path: &str) -> Option<Response> {
    let assets: [&'static Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    let found = assets.into_iter().find(|asset| asset.path == path)?;
    let mut response = typed(StatusCode::OK, found.content_type, found.content);
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, forever);
    Some(response)
}
