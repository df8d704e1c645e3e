//! Why a request was not believed.

string_enum! {
    /// Why a request was refused for good. One word per reason that an operator can act on; the
    /// words are the `reason` column of `rejected_requests`, the log's and the answer's.
    Refusal {
        /// A signature header is absent or empty.
        MissingHeader = "missing_header",
        /// A signature header does not have its form.
        MalformedHeader = "malformed_header",
        /// No signature of the expected scheme.
        NoSignatures = "no_signatures",
        /// The signature is not even the right kind of text.
        MalformedSignature = "malformed_signature",
        /// The signature does not belong to this payload and this configuration.
        BadSignature = "bad_signature",
        /// Genuine, but signed too long ago.
        TimestampTooOld = "timestamp_too_old",
        /// Genuine, but signed in the future.
        TimestampTooNew = "timestamp_too_new",
        /// A signature algorithm other than the only one in use.
        UnsupportedAlgorithm = "unsupported_algorithm",
        /// The certificate's URL is none of PayPal's.
        CertUrlRefused = "cert_url_refused",
        /// Signed for the other environment: live for sandbox, or the reverse.
        WrongEnvironment = "wrong_environment",
        /// The certificate is no longer valid.
        CertExpired = "cert_expired",
        /// The certificate is not valid yet.
        CertNotYetValid = "cert_not_yet_valid",
        /// The certificate is no certificate, or has no path to a trusted root.
        CertUntrusted = "cert_untrusted",
        /// There is no body.
        EmptyPayload = "empty_payload",
        /// Genuine, but not JSON.
        InvalidJson = "invalid_json",
        /// Genuine JSON, but not an event.
        NotAnEvent = "not_an_event",
        /// A genuine PayPal transmission, but sent longer ago than PayPal sends.
        TransmissionTooOld = "transmission_too_old",
        /// A PayPal transmission that is known with another body.
        ReplayedTransmissionId = "replayed_transmission_id",
        /// A PayPal event that is known with another body.
        ReusedEventId = "reused_event_id",
    }
}

string_enum! {
    /// Why a request was neither taken nor refused for good: its sender is to send it again. The words
    /// are the log's and the metrics'.
    NotTaken {
        /// The provider is not configured.
        NotConfigured = "not_configured",
        /// The body is larger than is read.
        TooLarge = "too_large",
        /// The body came too slowly.
        TooSlow = "too_slow",
        /// The body broke off.
        Broken = "broken",
        /// Too many large bodies at once, and this one took longest.
        NoRoom = "no_room",
        /// There was no proof to be had.
        NotVerified = "not_verified",
        /// It could not be committed.
        NotKept = "not_kept",
    }
}

impl Refusal {
    /// Whether the signature itself was right, so that the sender is the provider or somebody who
    /// repeats it. Only then may an answer say more than that the signature is wrong.
    pub fn is_after_proof(self) -> bool {
        matches!(
            self,
            Self::TimestampTooOld
                | Self::TimestampTooNew
                | Self::InvalidJson
                | Self::NotAnEvent
                | Self::TransmissionTooOld
                | Self::ReplayedTransmissionId
                | Self::ReusedEventId
        )
    }
}
