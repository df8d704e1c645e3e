//! Errors of the API: problem details, as RFC 9457 has them.

use serde_json::json;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use crate::http::body::BodyError;
use crate::http::typed;
use crate::store::StoreError;

/// The media type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Why a request was not done, as whoever asked is told it.
#[derive(Clone, Debug)]
pub(in crate::http) struct Problem {
    kind: Kind,
    detail: String,
    /// The field or parameter that is wrong.
    field: Option<String>,
    /// The transaction that stands in the way.
    transaction_id: Option<i64>,
    /// The methods that are allowed.
    allowed: Option<String>,
    /// After how many seconds it may go better.
    retry_after: Option<u32>,
    /// The rest of the request was not read and would be taken for the next one.
    close: bool,
}

string_enum! {
    /// Kinds of problems; the words end their `type`.
    Kind {
        /// 400: a parameter, a field or the body is not what it should be.
        Invalid = "invalid",
        /// 401: the token is missing or wrong.
        Unauthorized = "unauthorized",
        /// 404: there is no such thing.
        NotFound = "not-found",
        /// 405: it can't be done with this path.
        MethodNotAllowed = "method-not-allowed",
        /// 408: the body came too slowly.
        Timeout = "timeout",
        /// 409: something else is registered under the same id, or what is there does not allow it.
        Conflict = "conflict",
        /// 409: the cursor is of a change that there never was.
        UnknownCursor = "unknown-cursor",
        /// 413: the body is too large.
        TooLarge = "too-large",
        /// 415: the body is not said to be JSON.
        UnsupportedMediaType = "unsupported-media-type",
        /// 500: a fault of ours.
        Fault = "fault",
        /// 503: not now.
        Unavailable = "unavailable",
    }
}

impl Kind {
    fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::UnknownCursor => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Fault => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Invalid => "The request is not valid",
            Self::Unauthorized => "The API token is missing or wrong",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "This can't be done with this path",
            Self::Timeout => "The request came too slowly",
            Self::Conflict => "It contradicts what is there",
            Self::UnknownCursor => "The cursor is of another database",
            Self::TooLarge => "The request is too large",
            Self::UnsupportedMediaType => "The body is not JSON",
            Self::Fault => "A fault of payhookd",
            Self::Unavailable => "Not possible now",
        }
    }
}

impl Problem {
    fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            field: None,
            transaction_id: None,
            allowed: None,
            retry_after: None,
            close: false,
        }
    }

    /// The request as a whole is not what it should be.
    pub(in crate::http) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, detail)
    }

    /// A field of the body or a parameter is not what it should be.
    pub(in crate::http) fn field(name: &str, detail: impl Into<String>) -> Self {
        Self { field: Some(name.to_owned()), ..Self::new(Kind::Invalid, detail) }
    }

    /// The token is missing or wrong.
    pub(in crate::http) fn unauthorized() -> Self {
        Self::new(
            Kind::Unauthorized,
            "send the header Authorization: Bearer with the token of PAYHOOKD_API_TOKEN, or of the \
             file api-token beside the database",
        )
    }

    /// There is no such path or row.
    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, detail)
    }

    /// The path is there, but not for this method.
    pub(super) fn method_not_allowed(allowed: String) -> Self {
        let detail = format!("this path knows {allowed}");
        Self { allowed: Some(allowed), ..Self::new(Kind::MethodNotAllowed, detail) }
    }

    /// What was registered before differs, or holds the reference.
    pub(super) fn conflict(transaction_id: i64, detail: impl Into<String>) -> Self {
        Self { transaction_id: Some(transaction_id), ..Self::new(Kind::Conflict, detail) }
    }

    /// What is there already does not allow it.
    pub(super) fn contradiction(detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, detail)
    }

    /// The cursor is ahead of everything: a client must begin again.
    pub(super) fn unknown_cursor(name: &str, detail: &str) -> Self {
        Self { field: Some(name.to_owned()), ..Self::new(Kind::UnknownCursor, detail) }
    }

    /// The body is not said to be JSON.
    pub(super) fn not_json() -> Self {
        Self::new(
            Kind::UnsupportedMediaType,
            "send a JSON object with the header Content-Type: application/json",
        )
    }

    /// As many wait as may.
    pub(super) fn too_many_wait() -> Self {
        Self { retry_after: Some(5), ..Self::new(Kind::Unavailable, "too many wait already") }
    }

    /// The status of the answer.
    pub(in crate::http) fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// What is wrong and what to do, with the name of what it is about.
    pub(in crate::http) fn detail(&self) -> String {
        match &self.field {
            Some(field) => format!("{field}: {}", self.detail),
            None => self.detail.clone(),
        }
    }

    /// The answer.
    pub(in crate::http) fn into_response(self) -> Response {
        let status = self.kind.status();
        let mut body = json!({
            "type": format!("urn:payhookd:problem:{}", self.kind),
            "title": self.kind.title(),
            "status": status.as_u16(),
            "detail": self.detail,
        });
        if let Some(field) = self.field {
            body["field"] = field.into();
        }
        if let Some(id) = self.transaction_id {
            body["transaction_id"] = id.into();
        }
        let mut response = typed(status, CONTENT_TYPE, body.to_string());
        let headers = response.headers_mut();
        if self.kind == Kind::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allowed) = self.allowed.and_then(|allowed| allowed.try_into().ok()) {
            headers.insert(header::ALLOW, allowed);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let problem = match error {
            BodyError::TooLarge => {
                Self::new(Kind::TooLarge, format!("send at most {} bytes", super::MAX_BODY))
            }
            BodyError::TooSlow => Self::new(Kind::Timeout, "send the body at once"),
            BodyError::Broken => Self::invalid("the body broke off"),
            BodyError::NoRoom => Self {
                retry_after: Some(5),
                ..Self::new(Kind::Unavailable, "too many large bodies at once")
            },
        };
        Self { close: true, ..problem }
    }
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        let (retry_after, detail) = match error {
            StoreError::Full | StoreError::ReadOnly | StoreError::Disk(_) | StoreError::Lost(_) => {
                (60, "the database can't be written: see the log")
            }
            StoreError::Busy | StoreError::QueueFull => (5, "the database is busy"),
            StoreError::Stopped => (5, "the daemon is stopping"),
            _ => return Self::new(Kind::Fault, "see the log"),
        };
        Self { retry_after: Some(retry_after), ..Self::new(Kind::Unavailable, detail) }
    }
}

impl From<crate::json::registration::Mistake> for Problem {
    fn from(mistake: crate::json::registration::Mistake) -> Self {
        Self { field: mistake.field, ..Self::invalid(mistake.detail) }
    }
}
